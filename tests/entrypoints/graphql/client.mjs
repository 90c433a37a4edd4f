// A conversation's events by the stock client of graphql-transport-ws, as its users write one.
//
// Arguments: the package's folder, and what to do as JSON: {url, customer, staff, answers}, the last
// being where a colleague answers. Prints as JSON what the client has heard.

const [root, wanted] = process.argv.slice(2);
const { createClient } = await import(`${root}/dist/client.js`);
const { url, customer, staff, answers } = JSON.parse(wanted);
const address = `${url.replace("http", "ws")}/graphql`;
const client = createClient({ url: address, connectionParams: { Authorization: `Bearer ${customer}` } });
const shown = { events: [] };

const query = 'subscription { session_events(session_id: "s-1") { event_id type by content } }';
for await (const { data } of client.iterate({ query })) {
  shown.events.push(data.session_events);
  if (shown.events.length === 2) break;
  for await (const one of client.iterate({ query: "{ get_account_balance { user_id } }" })) shown.balance = one.data;
  await fetch(`${url}${answers}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${staff}`, "Content-Type": "application/json" },
    body: JSON.stringify({ text: "Hello, I am Anna." }),
  });
}
try {
  for await (const one of client.iterate({ query: "{ nothing }" })) shown.failed = one;
} catch (errors) {
  shown.failed = JSON.stringify(errors);
}
await client.dispose();

const stranger = createClient({ url: address, connectionParams: {}, retryAttempts: 0 });
try {
  for await (const one of stranger.iterate({ query })) shown.stranger = one;
} catch (event) {
  shown.closed = event.code;
}
console.log(JSON.stringify(shown));
process.exit(0);
