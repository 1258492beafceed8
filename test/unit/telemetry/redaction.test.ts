import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { ErrorCode } from '../../../connector/runtime/error-catalogue.ts'
import { toLogFields } from '../../../connector/telemetry/error-fields.ts'
import { everyPipelineEvent } from '../../support/every-pipeline-event.ts'
import { everyReplicaEvent } from '../../support/every-replica-event.ts'
import { polling } from '../../support/polling.ts'
import { testTelemetry } from '../../support/test-telemetry.ts'

// Random errors with planted data pass through every event, and all output is searched.

const person = fc.record({
  name: fc.constantFrom('Dupont-Quennehen', 'BEAUREGARD', 'Élodie Lefèvre', "Jean-Marie O'Neill", 'ESTELLE', 'Nguyễn'),
  mail: fc.constantFrom('elodie.lefevre@example.fr', 'QUENNEHEN@EXAMPLE.COM', 'j+o@sub.example.org'),
  phone: fc.constantFrom('+33 6 12 34 56 78', '0612345678', '06.12.34.56.78', '33612345678'),
  address: fc.constantFrom('12 rue des Lilas', '75011 PARIS', '3, impasse Saint-Éloi'),
  password: fc.constantFrom('hunter2-S3cret', 'correct horse battery', 'PA$$W0RD_9731', 'pässwörd!'),
})
type Person = typeof person extends fc.Arbitrary<infer Value> ? Value : never

/** Texts that contain all planted values in the formats in which libraries quote invalid input. */
const text = (planted: Person) => {
  const all = Object.values(planted)
  return fc.constantFrom(
    ...all,
    all.join(' '),
    `Unexpected token in JSON: {"nom":"${all.join('","x":"')}"}`,
    `<client><nom>${all.join('</nom><nom>')}</nom></client>`,
    `GET /core/api/ACL.Login?user=${planted.mail}&password=${planted.password} failed`,
    `line\n    at ${planted.name} (/home/${planted.name}/dist/${planted.phone}.js:1:2)\n${all.join('\n')}`,
  )
}

/** Errors as created by Node, undici, kafkajs, the AWS SDK and parsers, with planted values in every text property. */
function foreign(planted: Person): fc.Arbitrary<unknown> {
  const said = text(planted)
  const extra = fc.record({ said, other: said }).map(({ said: one, other }) => ({
    body: one,
    headers: { authorization: other },
    response: { data: planted },
    client: planted,
    address: one,
    [planted.name]: other,
    toString: () => other,
    toJSON: () => planted,
    inspect: () => one,
  }))
  const { error } = fc.letrec<{ error: unknown }>((tie) => {
    const cause = fc.oneof({ depthSize: 'small' }, said, fc.constant(undefined), tie('error'))
    const made = (make: (message: string) => Error, props: Record<string, fc.Arbitrary<unknown>> = {}) =>
      fc
        .record({ message: said, cause, extra, ...props })
        .map(({ message, extra: more, ...rest }) => Object.assign(make(message), more, rest))
    return {
      error: fc.oneof(
        { depthSize: 'small' },
        made((message) => new Error(message), { name: said, code: said, syscall: said }),
        made((message) => new TypeError(message), { stack: said }),
        made((message) => Object.assign(new Error(message), { name: 'KafkaJSProtocolError' }), {
          type: said,
          code: fc.constantFrom(47, 33_612_345_678),
          broker: said,
          topic: said,
        }),
        made((message) => Object.assign(new Error(message), { name: 'KafkaJSNumberOfRetriesExceeded' }), {
          stack: said.map((quoted) => `KafkaJSNumberOfRetriesExceeded\n  Caused by: Error: ${quoted}`),
          helpUrl: said,
        }),
        made((message) => Object.assign(new Error(message), { code: 'UND_ERR_SOCKET' }), { socket: extra }),
        made(
          (message) => Object.assign(new Error(message), { $metadata: { httpStatusCode: 503, requestId: message } }),
          {
            name: said,
            Code: said,
            $response: extra,
          },
        ),
        fc
          .record({ message: said, parts: fc.array(cause, { maxLength: 3 }) })
          .map(({ message, parts }) => new AggregateError(parts, message)),
        fc
          .record({ error: cause, suppressed: cause, message: said })
          .map((all) => Object.assign(new Error(all.message), { ...all, name: 'SuppressedError' })),
        cause.map((inner) => new ConnectorError('publish.failed', 'publish 200 events', { cause: inner })),
        extra,
        said,
      ),
    }
  })
  return error
}

const plantedErrors = person.chain((planted) =>
  fc.record({
    planted: fc.constant(planted),
    error: foreign(planted),
    code: fc.constantFrom('bug', 'source.answer-malformed', 'publish.failed'),
  }),
)

/** `output` contains no planted value and none of its longer words, in upper or lower case. */
function expectClean(output: string, planted: Person) {
  const lower = output.toLowerCase()
  const words = Object.values(planted).flatMap((value) => [value, ...value.split(/[^\p{L}\p{N}$!]+/u)])
  const found = words.filter((word) => word.length >= 4 && lower.includes(word.toLowerCase()))
  expect(found).toEqual([])
}
const telemetry = testTelemetry({ level: 'trace' })

/** All output of the connector about an error, from every event. */
async function allOutput(input: { error: unknown; code: ErrorCode }): Promise<string> {
  telemetry.lines.length = 0
  const { error, code } = input
  const observe = telemetry.observe('shop', polling)
  const wrapped = new ConnectorError(code, 'read page: the response is not a page', { cause: error })
  const events: PipelineEvent[] = [error, wrapped].flatMap((about) => everyPipelineEvent(about))
  for (const event of events) observe(event)
  for (const about of [error, wrapped]) for (const event of everyReplicaEvent(about)) telemetry.observePlacement(event)
  telemetry.log('error', 'connector failed', toLogFields(error))
  const metrics = (await telemetry.registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('polaris_connector_'))
  return [...telemetry.lines, JSON.stringify(telemetry.status()), ...metrics].join('\n')
}

test('Invariant 8: no personal data and no secret appears in a log line, an error or a metric, even with foreign errors', async () => {
  await fc.assert(
    fc.asyncProperty(plantedErrors, async ({ planted, ...input }) => {
      const output = await allOutput(input)
      expect(output).toContain('stream held, trying again slowly')
      expectClean(output, planted)
    }),
    { numRuns: 60 },
  )
})
