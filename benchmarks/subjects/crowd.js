// k6's client: as many users as it is told send the target's request over and over.
// TARGET is `Target.for_clients()`; the summary goes to standard output as JSON.
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';

const target = JSON.parse(__ENV.TARGET);
const url = target.url + target.path;
const wrong = new Counter('wrong');
const took = new Trend('took', true);
const clock = new Trend('clock'); // when the first request began and the last one ended
let headers = null;

export const options = {
  scenarios: {
    crowd: {
      executor: 'constant-vus',
      vus: Number(__ENV.CROWD),
      duration: `${__ENV.SECONDS}s`,
      gracefulStop: '10s',
    },
  },
  summaryTrendStats: ['min', 'max', 'p(50)', 'p(95)', 'p(99)'],
};

// Each user has a session of its own, opened beforehand, where the target wants one.
function ownHeaders() {
  const session = target.sessions[__VU - 1];
  return Object.assign({}, target.headers, session ? { 'Mcp-Session-Id': session } : {});
}

export default function () {
  headers = headers || ownHeaders();
  clock.add(Date.now());
  const answer = http.request(target.method, url, target.body || null, { headers });
  clock.add(Date.now());
  took.add(answer.timings.duration);
  if (answer.status !== 200 || !answer.body.includes(target.expected)) {
    wrong.add(1);
    if (__ITER === 0) console.error(`${answer.status} ${answer.error} ${answer.body}`.slice(0, 300));
  }
}

export function handleSummary(data) {
  const times = data.metrics.took.values;
  return {
    stdout: JSON.stringify({
      requests: data.metrics.iterations.values.count,
      seconds: (data.metrics.clock.values.max - data.metrics.clock.values.min) / 1000,
      errors: data.metrics.wrong ? data.metrics.wrong.values.count : 0,
      p50_ms: times['p(50)'],
      p95_ms: times['p(95)'],
      p99_ms: times['p(99)'],
    }),
  };
}
