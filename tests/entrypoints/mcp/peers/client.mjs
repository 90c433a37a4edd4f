// An MCP client on the official TypeScript SDK, of version 1 or 2, as its users write one.
//
// Arguments: the SDK's folder, its major version, and what to do as JSON:
//   to     {url, headers}, over WebSocket where the url is one, or {command, args, env}
//   mode   version 2 only: "legacy" or {pin: "2026-07-28"}
//   oauth  whether it signs in as OAuth clients do
//   hold   a file's name: it goes on when that file is there, after it has made NAME.said
//   calls  [{name, arguments, progress, cancelAfter}], or {resource} to list and read resources
// Prints as JSON what a program, and so a person, gets of each call.

import { existsSync, writeFileSync } from "node:fs";

const [root, major, wanted] = process.argv.slice(2);
const todo = JSON.parse(wanted);
const file = (one, two) => import(`${root}/dist/${major === "1" ? one : two}`);
const { Client } = await file("esm/client/index.js", "index.mjs");
const { StreamableHTTPClientTransport } = await file("esm/client/streamableHttp.js", "index.mjs");
const { StdioClientTransport } = await file("esm/client/stdio.js", "stdio.mjs");

const provider = {
  redirectUrl: "http://127.0.0.1:1/callback",
  clientMetadata: { client_name: "test", redirect_uris: ["http://127.0.0.1:1/callback"] },
  clientInformation: () => todo.registered,
  saveClientInformation: () => {},
  tokens: () => undefined,
  saveTokens: () => {},
  codeVerifier: () => "verifier",
  saveCodeVerifier: () => {},
  redirectToAuthorization: (url) => { said.push({ redirected: String(url) }); },
};
const said = [];
const shown = (error) => ({ thrown: String(error.message), code: error.code });

async function call(client, { name, arguments: given, progress, cancelAfter }) {
  const steps = [];
  const options = progress ? { onprogress: (step) => steps.push(step) } : {};
  if (cancelAfter !== undefined) {
    const controller = new AbortController();
    options.signal = controller.signal;
    setTimeout(() => controller.abort("enough"), cancelAfter);
  }
  const params = { name, arguments: given };
  const result = await (major === "1"
    ? client.callTool(params, undefined, options)
    : client.callTool(params, options));
  return {
    isError: result.isError ?? false,
    text: result.content.map((block) => block.text).join("\n"),
    structured: result.structuredContent ?? null,
    steps,
  };
}

async function read(client, { resource }) {
  const { resources } = await client.listResources();
  const { contents } = await client.readResource({ uri: resource });
  const uris = resources.map((one) => one.uri);
  return { uris, text: contents.map((one) => one.text).join("\n") };
}

// Version 1 only. Its transport has no place for headers, and the platform's WebSocket has one.
async function overSocket({ url, headers }) {
  const { WebSocketClientTransport } = await file("esm/client/websocket.js", "");
  const Plain = globalThis.WebSocket;
  globalThis.WebSocket = class extends Plain {
    constructor(at, protocols) {
      super(at, { protocols, headers });
    }
  };
  return new WebSocketClientTransport(new URL(url));
}

const options = todo.mode ? { versionNegotiation: { mode: todo.mode } } : {};
const client = new Client({ name: "peer", version: "1" }, options);
try {
  const transport = todo.to.url?.startsWith("ws")
    ? await overSocket(todo.to)
    : todo.to.url
    ? new StreamableHTTPClientTransport(new URL(todo.to.url), {
        requestInit: { headers: todo.to.headers ?? {} },
        authProvider: todo.oauth ? provider : undefined,
      })
    : new StdioClientTransport({ ...todo.to, stderr: "inherit" });
  await client.connect(transport);
  await client.listTools(); // from now on it compares answers with the tools' output schemas
  for (const each of todo.calls) {
    said.push(await (each.resource ? read : call)(client, each).catch(shown));
  }
  if (todo.hold) {
    writeFileSync(`${todo.hold}.said`, "");
    while (!existsSync(todo.hold)) await new Promise((done) => setTimeout(done, 50));
  }
} catch (error) {
  said.push(shown(error));
}
console.log(JSON.stringify(said));
await client.close().catch(() => {});
process.exit(0);
