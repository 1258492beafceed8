import type * as z from 'zod'
import * as check from '../setting-checks.ts'
import * as setting from '../setting-types.ts'

/** The setting `http`. */
export const httpSection = setting.section('HTTP endpoints: health, metrics and the status page', {
  host: setting.textOr('0.0.0.0', { description: 'Address to listen on', variable: 'HTTP_HOST' }),
  port: setting.wholeNumberOr(
    8080,
    { min: 0, max: 65_535 },
    { description: 'Port to listen on; 0: any free port', variable: 'HTTP_PORT' },
  ),
  nodeMetrics: setting.flagOr('false', {
    description:
      'Export the metrics of Node.js (`nodejs_*`, about 50 series): heap, garbage collection, event loop. Those of the process (`process_*`) are always exported',
    variable: 'HTTP_NODE_METRICS',
  }),
  runbookUrl: setting
    .text(
      {
        description:
          'Address of the runbook: where your team reads `docs/runbook.md`. Links in the log, `/readyz`, the status page and, with the chart, the alerts lead to its sections',
        variable: 'RUNBOOK_URL',
        examples: ['https://wiki.example.com/polaris/runbook.html'],
      },
      check.isHttpUrl,
      check.httpUrlRule,
    )
    .optional(),
})

export type HttpConfig = z.output<typeof httpSection>
