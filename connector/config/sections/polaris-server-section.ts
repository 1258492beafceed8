import * as setting from '../setting-types.ts'

export const serverLimits = setting.section(
  'Limits of the requests to one server (scheme, host and port), shared by all streams of a replica; set the same values in each stream. Waiting requests are served first come, first served',
  {
    concurrentRequests: setting.wholeNumberOr(
      8,
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
  },
)
