// A conversation by the stock client of AG-UI, as its users write one.
//
// Arguments: the package's folder, and what to do as JSON: {url, headers, says}, where each of `says`
// is a message, or {resume: {status, payload}} to answer whatever was asked.
// Prints as JSON what the client has after each run, or the error that it shows.

const [root, wanted] = process.argv.slice(2);
const { HttpAgent, buildResumeArray } = await import(`${root}/dist/index.mjs`);
const { url, headers, says } = JSON.parse(wanted);
const agent = new HttpAgent({ url, headers, threadId: "stock-1" });
const shown = [];

for (const said of says) {
  const seen = { custom: [] };
  const subscriber = {
    onCustomEvent: ({ event }) => { seen.custom.push(event.name); },
    onRunErrorEvent: ({ event }) => { seen.failed = event.code; seen.why = event.message; },
  };
  const options = {};
  if (typeof said === "string") agent.addMessage({ id: crypto.randomUUID(), role: "user", content: said });
  else {
    const open = agent.pendingInterrupts;
    options.resume = buildResumeArray(open, Object.fromEntries(open.map((one) => [one.id, said.resume])));
  }
  try {
    await agent.runAgent(options, subscriber);
  } catch (error) {
    seen.thrown = String(error.message);
  }
  const last = agent.messages.at(-1);
  shown.push({
    ...seen,
    role: last?.role,
    text: last?.content,
    calls: agent.messages.flatMap((one) => (one.toolCalls ?? []).map((call) => call.function.name)),
    asked: agent.pendingInterrupts.map((one) => one.message),
    state: agent.state,
  });
}
console.log(JSON.stringify(shown));
