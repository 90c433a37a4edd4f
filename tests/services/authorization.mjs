// A real authorization server (oidc-provider) with one client, for client credentials.
//
// Arguments: the package's folder, the port, seconds that a token lives, and whom it is for where
// that is not the resource that was asked for.
const [root, port, seconds, audience] = process.argv.slice(2);
const { default: Provider } = await import(`${root}/lib/index.js`);

const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "desk",
      client_secret: "the-secret-of-the-desk",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
  ],
  scopes: ["tools"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope: "tools",
        audience: audience || resource,
        accessTokenTTL: Number(seconds),
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
