import * as z from 'zod'
import type { LastRecord } from '../../connector/inspect/audit/compare.ts'
import type { Removal } from '../../connector/inspect/audit/remove-gone.ts'
import type { Finding } from '../../connector/inspect/doctor/doctor-parts.ts'
import type { StreamState } from '../../connector/pipeline/pipeline-event.ts'
import { errorCatalogue } from '../../connector/runtime/error-catalogue.ts'
import { type HistoryState, lanes } from '../../connector/scan/scan-state.ts'
import type { ReplicaState } from '../../connector/telemetry/replica-status.ts'

const count = (description: string) => z.int().nonnegative().describe(description)
const seconds = (description: string) => z.number().nonnegative().describe(`${description}, in seconds`)
const instant = (description: string) => z.iso.datetime().describe(`${description}, in UTC`)
const serverTime = (description: string) => z.string().describe(`${description}, in the time of the server`)
const text = (description: string) => z.string().describe(description)
const yesNo = (description: string) => z.boolean().describe(description)
const texts = (description: string) => z.array(z.string()).describe(description)
/** Makes the schema of these words, each with its meaning. It does not compile unless all of `Words` are described. */
const oneOf = <Words extends string>(meanings: Readonly<Record<Words, string>>) =>
  z.enum(Object.keys(meanings) as [Words]).describe(
    Object.entries(meanings)
      .map(([word, meaning]) => `${word}: ${meaning}`)
      .join('; '),
  )
const errorCode = z.enum(Object.keys(errorCatalogue) as [keyof typeof errorCatalogue])

const connectorName = text('Name of the connector')
const streamName = text('Name of the stream')
const history = oneOf<HistoryState['state']>({
  first: 'the first history has not ended',
  again: 'the history is read again',
  done: 'no history is due',
})
const lane = z.enum(lanes).describe('What the scan reads')
const beganAt = serverTime('The lastChanged with which the scan began')
const pagesRead = count('Pages that the scan has read since it began, or resumed')
const clientsRead = count('Clients on these pages, also unchanged ones')

/** A failure has these fields, as in a log line. */
const failure = {
  code: errorCode.optional().describe('Error code of the last failure: see docs/error-codes.md'),
  error: text('What failed, and the cause').optional(),
  hint: text('What to do').optional(),
  causes: texts('Errors that caused it, nearest first').optional(),
  stack: texts('Only of a defect: file, line and column of each frame').optional(),
}

const scan = z
  .strictObject({
    lane,
    reachSeconds: seconds('Reach of a look-back').optional(),
    from: beganAt,
    reached: serverTime('Modification time of the last client that was read').optional(),
    percentRead: z
      .int()
      .min(0)
      .max(99)
      .optional()
      .describe('How much of the time from `from` until now was read, in percent; absent if clients are not in order'),
    pages: pagesRead,
    clients: clientsRead,
    secondsBackedOff: seconds('Since when the scan makes no progress because its pages fail').optional(),
  })
  .meta({ id: 'scan', description: 'A scan of the background that is in progress' })

const totals = z
  .strictObject({
    pages: count('Pages read'),
    clients: count('Clients read'),
    events: count('Events published'),
    deadLetters: count('Dead letters published'),
    suppressed: count('Clients read again with unchanged content'),
    superseded: count('Clients not published because a scan that began later had published them'),
  })
  .describe('Counts since the process started; other clients are being delivered')

const pause = z.strictObject({
  reason: text('Reason that the operator gave; may be empty'),
  requestedAt: instant('When the pause was requested'),
  requestedBy: text('Process that requested it'),
})

const stream = z
  .strictObject({
    stream: streamName,
    state: oneOf<StreamState>({
      waiting: 'another replica runs it, or none',
      paused: 'an operator has stopped it',
      opening: 'it claims the checkpoint',
      running: 'it reads and publishes',
      retrying: 'after a failure, it tries again in seconds',
      held: 'something outside must change; it tries again in minutes',
      ended: 'the replica stops',
    }),
    secondsInState: seconds('Since when it is in this state'),
    level: z
      .enum(['good', 'idle', 'warn', 'bad'])
      .describe(
        'Colour of the status page. bad: not ready. warn: something fails. good: caught up. idle: anything else',
      ),
    why: z
      .enum(['held', 'not opened yet', 'failing', 'no progress'])
      .optional()
      .describe('Why the stream makes the replica not ready; absent if it does not'),
    ...failure,
    secondsFailing: seconds('Since the first of the failures that are not over').optional(),
    pause: pause.optional().describe('Only in the state paused'),
    progress: z
      .enum(['caught up', 'catching up'])
      .optional()
      .describe('Absent while the stream fails, is not open here, or the replica is out of the group'),
    secondsSinceProgress: seconds('Since the last page group was delivered, or the stream began here').optional(),
    secondsSinceLiveScan: seconds('Since the last live scan was delivered').optional(),
    newestChange: instant('When the newest change that was read was made, by the clock of the server').optional(),
    epoch: count('Number of the claim: it rises at each opening').optional(),
    seq: count('Number of the last transaction').optional(),
    lastChanged: serverTime('The lastChanged of the last live scan').optional(),
    history: history.optional(),
    scans: z.array(scan).optional().describe('Scans of the background that are in progress'),
    indexClients: count('Clients in the client index').optional(),
    totals,
  })
  .meta({ id: 'stream', description: 'One stream; position and scans only if it is open, opening or held here' })

const status = z
  .strictObject({
    connector: connectorName,
    replica: text('Name of this replica'),
    version: text('Version of the connector'),
    time: instant('Time of this answer'),
    uptimeSeconds: seconds('Since the process started'),
    ready: yesNo('Whether /readyz answers 200; else it answers 503'),
    state: oneOf<ReplicaState>({
      starting: 'until the first assignment',
      running: 'with any number of streams',
      stopping: 'from the first signal',
    }),
    why: z
      .enum(['starting', 'stopping', 'out of the consumer group'])
      .optional()
      .describe('Why the replica itself is not ready; each stream has its own `why`'),
    group: z
      .strictObject({
        state: z
          .enum(['single', 'joining', 'member', 'rejoining', 'left'])
          .describe('single: PLACEMENT=single. rejoining: the membership was lost; its streams go on'),
        secondsInState: seconds('Since when'),
        ...failure,
      })
      .describe('The consumer group of the replicas'),
    streams: z.array(stream).describe('All configured streams'),
  })
  .meta({ id: 'status', description: 'The answer of /status and of /readyz' })

const audited = z
  .strictObject({
    stream: streamName,
    agree: yesNo('Whether there is no difference'),
    clients: z.strictObject({
      source: count('Clients with an id that Polaris returned'),
      deadLetters: count('Those of them that are dead letters'),
      topic: count('Keys of the topic whose last record is an event, or of another program'),
      similarIds: count('Groups of ids that differ only in white space or case; not with --client').optional(),
      otherStreams: count('Only with sharedKeys: of source, those whose last record is of another stream').optional(),
    }),
    differences: z.strictObject({
      missing: count('Clients that Polaris has and the topic has not'),
      different: count('Clients whose last record has other content'),
      gone: count('Clients that the topic has and Polaris has not'),
    }),
    client: z
      .strictObject({
        isNothingLeft: yesNo('Whether the client is nowhere: the proof of an erasure'),
        proof: text('The same in words').optional(),
        isInSource: yesNo('Whether Polaris returns the client'),
        records: z
          .array(
            z.strictObject({
              topic: text('Topic'),
              partition: count('Partition'),
              offset: text('Offset'),
              kind: oneOf<LastRecord['kind'] | 'dead-letter' | 'unreadable'>({
                event: 'of this stream',
                tombstone: 'deletes the client',
                foreign: 'of another program',
                'other-stream': 'of a stream that shares the topic',
                'dead-letter': 'in the topic of the dead letters, with the key or in a client that it includes',
                unreadable: 'a dead letter that cannot be read, so that nothing is proved',
              }),
              time: instant('Timestamp of the record'),
            }),
          )
          .describe('Records of the client that are still stored'),
      })
      .optional()
      .describe('With --client'),
    removal: z
      .strictObject({
        kind: oneOf<Removal['kind']>({
          done: 'the clients that are gone were erased',
          unchanged: 'nothing was changed',
          unfinished: 'they were erased, but the second rewind may be missing: exit code 3',
        }),
        text: z.union([z.string(), z.array(z.string())]).describe('What was done'),
      })
      .optional()
      .describe('With --remove-gone'),
  })
  .meta({ id: 'audited-stream', description: 'What audit found of one stream' })

const audit = z
  .union([audited, z.array(audited), texts('With --ids: ids of clients, at most 1,000: personal data')])
  .meta({ id: 'audit', description: 'Of one stream an object, of several a list' })

const shownRow = {
  stream: streamName,
  code: errorCode.optional().describe('Why the checkpoint cannot be read'),
  liveUntil: instant('Start of the last live scan that ended: all changes before it are read').nullable().optional(),
  history: history.optional(),
  nextEvent: count('The sequence of the next event').optional(),
  pending: count('Events and dead letters of the transaction that is prepared').optional(),
  openedBy: text('Replica that has opened the stream; null: it has stopped').nullable().optional(),
  openedAt: instant('When it did').optional(),
  epoch: count('Number of the claim').optional(),
  remark: text('A pause, a rewind that is not applied yet, or that there is no checkpoint').optional(),
}
const scansInProgress = z
  .array(
    z.strictObject({
      scan: lane,
      from: beganAt,
      pages: pagesRead,
      clients: clientsRead,
      reached: serverTime('Modification time of the last client that was read').nullable(),
    }),
  )
  .optional()
const checkpointShow = z
  .union([
    z.strictObject({ ...shownRow, scansInProgress }),
    z.strictObject({ streams: z.array(z.strictObject(shownRow)) }),
  ])
  .meta({ id: 'checkpoint-show', description: 'One stream with its scans in progress, or all without' })

const finding = z.strictObject({
  stream: streamName.nullable().describe('Name of the stream; null: about the connector'),
  check: text('Name of the check'),
  verdict: oneOf<Finding['verdict']>({
    ok: 'as `run` needs it',
    warning: '`run` works, but look at it',
    failed: '`run` does not work',
    skipped: 'another check must pass first',
  }),
  detail: text('What was found'),
  code: errorCode.optional().describe('Only of failed'),
  hint: text('What to do; only of warning and failed').optional(),
})
const doctor = z
  .union([
    z.strictObject({
      healthy: yesNo('Whether no check failed'),
      findings: z.array(finding),
      acls: texts('If the user lacks a right: the commands that add all ACLs').optional(),
      saved: text('With --save: where the answers are').optional(),
    }),
    texts('With --acls: the commands that add all ACLs'),
  ])
  .meta({ id: 'doctor' })

const preview = z
  .union([
    z.strictObject({
      stream: streamName,
      since: serverTime('Where the reading began'),
      masked: yesNo('Whether values are masked; otherwise the records are personal data'),
      lists: texts('Paths of the elements that are known as lists'),
      missingPaths: texts('Configured paths that no client had, each with its setting'),
      records: z.array(
        z.strictObject({
          topic: text('Topic'),
          key: text('Client id; null in a dead letter without one').nullable(),
          headers: z.record(z.string(), z.string()),
          value: z.record(z.string(), z.unknown()).describe('See contract/v1/'),
        }),
      ),
    }),
    z
      .looseObject({ $schema: z.literal('https://json-schema.org/draft/2020-12/schema'), title: z.string() })
      .describe('With --schema: the JSON Schema of the clients'),
  ])
  .meta({ id: 'preview' })

const lint = z
  .strictObject({
    valid: yesNo('Whether there is no problem'),
    problems: texts('Each with its place').optional(),
    warnings: texts('Variables that are probably misspelled').optional(),
  })
  .meta({ id: 'lint' })

const outcome = (id: string) => z.string().meta({ id, description: 'What was done, in words' })
const outputs = z.strictObject({
  status,
  audit,
  'checkpoint-show': checkpointShow,
  'checkpoint-rewind': texts('What was asked for, and what became of it').meta({ id: 'checkpoint-rewind' }),
  doctor,
  erase: outcome('erase'),
  lint,
  pause: outcome('pause'),
  preview,
  resume: outcome('resume'),
})

/** Returns the JSON Schema of what endpoints and commands answer, with a definition for each. */
export function outputSchemas(): string {
  const { $schema, $defs } = z.toJSONSchema(outputs)
  const title = 'What /status, /readyz and the commands with --json print'
  return `${JSON.stringify({ $schema, $id: 'urn:polaris-connector:outputs', title, $defs }, undefined, 2)}\n`
}
