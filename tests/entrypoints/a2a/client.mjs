// A conversation by the official JavaScript client of A2A, as its users write one.
//
// Arguments: the package's folder, and what to do as JSON: {url, headers, binding, does}, where each of `does`
// is [method, parameters], in which "TASK" stands for the latest task's id, and "CONTEXT" for its context.
// Prints as JSON what came of each: the events of a stream, the answer, or the error that it shows.

const [root, wanted] = process.argv.slice(2);
const sdk = await import(`${root}/dist/index.js`);
const { ClientFactory, ClientFactoryOptions, DefaultAgentCardResolver, JsonRpcTransportFactory, RestTransportFactory } =
  await import(`${root}/dist/client/index.js`);
const { url, headers, binding, does } = JSON.parse(wanted);
const fetchImpl = (address, options = {}) => {
  const all = new Headers(options.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  return fetch(address, { ...options, headers: all });
};
const options = ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
  transports: [new JsonRpcTransportFactory({ fetchImpl }), new RestTransportFactory({ fetchImpl })],
  cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
  preferredTransports: [binding],
});
const client = await new ClientFactory(options).createFromUrl(url);
const keys = (await (await fetch(`${url}/.well-known/jwks.json`)).json()).keys;
const verify = sdk.verifyAgentCardSignature(async (kid) => keys.find((one) => one.kid === kid));
// As it was sent: of a card that it has decoded the package drops the security schemes, and fails.
await verify(await (await fetchImpl(`${url}/.well-known/agent-card.json`)).json());

const shown = [];
const latest = { TASK: "none", CONTEXT: "none" };
const { SendMessageRequest, StreamResponse, Task } = sdk;
for (const [method, given] of does) {
  const params = JSON.parse(JSON.stringify(given).replace(/"(TASK|CONTEXT)"/g, (_, name) => JSON.stringify(latest[name])));
  const request = params.message ? SendMessageRequest.fromJSON(params) : params;
  try {
    const answer = client[method](request);
    if (answer[Symbol.asyncIterator]) {
      const events = [];
      for await (const event of answer) events.push(StreamResponse.toJSON(event));
      shown.push(events);
      if (events[0].task) Object.assign(latest, { TASK: events[0].task.id, CONTEXT: events[0].task.contextId });
    } else {
      const task = await answer;
      shown.push(Task.toJSON(task));
    }
  } catch (error) {
    shown.push({ thrown: error.constructor.name, message: String(error.message) });
  }
}
console.log(JSON.stringify(shown));
