// k6's client: as many users as it is told send the target's request over and over.
// TARGET is `Target.for_client()`; the summary goes to standard output as JSON.
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';

const target = JSON.parse(__ENV.TARGET);
const url = target.url + target.path;
const wrong = new Counter('wrong');
const took = new Trend('took', true); // without the opening of sessions
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
  summaryTrendStats: ['p(50)', 'p(95)', 'p(99)'],
};

function open() {
  const own = Object.assign({}, target.headers);
  if (target.opening) {
    const answer = http.post(url, target.opening, { headers: own });
    own['Mcp-Session-Id'] = answer.headers['Mcp-Session-Id'];
  }
  return own;
}

export default function () {
  headers = headers || open();
  const answer = http.request(target.method, url, target.body || null, { headers });
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
      seconds: data.state.testRunDurationMs / 1000,
      errors: data.metrics.wrong ? data.metrics.wrong.values.count : 0,
      p50_ms: times['p(50)'],
      p95_ms: times['p(95)'],
      p99_ms: times['p(99)'],
    }),
  };
}
