import { polarisDefaults } from '../../source/polaris/polaris-config.ts'
import * as setting from '../setting-types.ts'

const { retry, timeouts, limits, maxProbeIntervalMs } = polarisDefaults

export const serverTimeouts = setting.section('Time limits for the server', {
  connect: setting.duration(timeouts.connectMs, { description: 'To establish a connection, including TLS' }),
  headers: setting.duration(timeouts.headersMs, { description: 'From the request to the headers of the response' }),
  body: setting.duration(timeouts.bodyMs, { description: 'From the headers to the end of the response' }),
})

export const serverLimits = setting.section(
  'Limits of the requests to one server (scheme, host and port), shared by all streams of a replica; set the same values in each stream. Waiting requests are served first come, first served',
  {
    concurrentRequests: setting.wholeNumberOr(
      limits.concurrentRequests,
      { min: 1, max: 10_000 },
      { description: 'Maximum number of concurrent requests; a stream makes one at a time' },
    ),
    requestsPerSecond: setting
      .wholeNumber(
        { min: 1, max: 10_000 },
        {
          description: 'Maximum number of requests per second, evenly spaced. Default: no limit',
          variable: 'POLARIS_REQUESTS_PER_SECOND',
        },
      )
      .optional(),
    maxProbeInterval: setting.duration(maxProbeIntervalMs, {
      description:
        'After five failures in a row, all streams wait while one of them tests the server at growing intervals; the longest interval',
    }),
  },
)

export const serverRetry = setting.section(
  'How reads are retried. While the server is unavailable, `run` retries indefinitely',
  {
    retries: setting.wholeNumberOr(
      retry.retries,
      { min: 0, max: 1000 },
      {
        description:
          'Maximum number of retries if a response violates the protocol (then the stream is held), if a request with a `checkPoint` fails (then it is sent without it), and in `poll-once` (which then gives up)',
      },
    ),
    firstPause: setting.duration(retry.firstPauseMs, {
      description: 'Maximum of the first pause; it doubles with each retry',
    }),
    maxPause: setting.duration(retry.maxPauseMs, { description: 'Maximum of every pause' }),
    maxRetryAfter: setting.duration(retry.maxRetryAfterMs, {
      description: 'Maximum pause that a `Retry-After` header can cause',
    }),
    suspectFor: setting.duration(
      polarisDefaults.suspectForMs,
      {
        description:
          'How long a server that has returned pages is taken for one in trouble if it responds with 403, 404 or another 4xx status, a login page, an HTML page, an error document, or a redirect to another origin. Such a response is retried; if it lasts longer, the stream is held. `0s`: held at once',
      },
      { min: 0, max: 2 ** 31 - 1 },
    ),
  },
)
