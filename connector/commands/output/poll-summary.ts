import * as z from 'zod'
import type { PipelineEvent } from '../../pipeline/pipeline-event.ts'
import { codeOf } from '../../runtime/connector-error.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import type { StreamEnd } from '../../stream/run-stream.ts'
import type { Colour, Screen } from './screen.ts'
import { table, tookText } from './text.ts'

const count = z.int().nonnegative()

export const pollShape = z.strictObject({
  streams: z
    .array(
      z.strictObject({
        stream: z.string().describe('Name of the stream'),
        end: z
          .enum(['caught-up', 'stopped', 'lost', 'failed', 'skipped', 'paused', 'running'])
          .describe(
            '`stopped`: by a signal; `lost`: another process took over; `skipped`: not begun, because Kafka is unreachable or a signal came; `paused`: not begun, because an operator has paused it; `running`: not begun, because a replica of the consumer group runs it',
          ),
        code: z.string().nullable().describe('Error code if `lost` or `failed`'),
        read: count.describe('Clients read'),
        published: count.describe('Events published'),
        suppressed: count.describe('Clients not published because they are unchanged'),
        superseded: count.describe('Clients not published because a later scan decides which content is newer'),
        deadLetters: count.describe('Clients that cannot become an event'),
        tookMs: count.describe('Milliseconds'),
      }),
    )
    .describe('In the order of the configuration'),
})

export type Poll = z.output<typeof pollShape>['streams'][number] & { readonly code: ErrorCode | null }
type Counts = Omit<Poll, 'stream' | 'end' | 'code' | 'tookMs'>

const nothing: Counts = { read: 0, published: 0, suppressed: 0, superseded: 0, deadLetters: 0 }

export function unreadPoll(stream: string, end: 'skipped' | 'paused' | 'running'): Poll {
  return { stream, end, code: null, ...nothing, tookMs: 0 }
}

export function pollResult(stream: string, end: StreamEnd, run: { counts: Counts; tookMs: number }): Poll {
  const code = 'error' in end ? codeOf(end.error) : null
  return { stream, end: end.kind, code, ...run.counts, tookMs: Math.round(run.tookMs) }
}

/** Counts the clients of one poll. */
export function pollCounter(): { add(event: PipelineEvent): void; counts(): Counts } {
  const counts = { ...nothing }
  return {
    add: (event) => {
      if (event.kind === 'page-read') counts.read += event.clients
      if (event.kind !== 'pages-published') return
      counts.deadLetters += event.deadLetters
      for (const { events, suppressed, superseded } of event.scans.values()) {
        counts.published += events
        counts.suppressed += suppressed
        counts.superseded += superseded
      }
    },
    counts: () => counts,
  }
}

const results: Readonly<Record<Poll['end'], readonly [Colour, string]>> = {
  'caught-up': ['green', 'caught up'],
  stopped: ['yellow', 'stopped before it was caught up'],
  lost: ['red', 'lost to another process'],
  failed: ['red', 'failed'],
  skipped: ['yellow', 'skipped'],
  paused: ['yellow', 'paused'],
  running: ['yellow', 'left to its replica'],
}

const columns = ['STREAM', 'RESULT', 'READ', 'PUBLISHED', 'SUPPRESSED', 'SUPERSEDED', 'DEAD LETTERS', 'TOOK']

export function pollLines(polls: readonly Poll[], { paint }: Pick<Screen, 'paint'>): string[] {
  const rows = polls.map(({ stream, end, code, tookMs, ...counts }) => {
    const [colour, result] = results[end]
    const { read, published, suppressed, superseded, deadLetters } = counts
    const numbers = [read, published, suppressed, superseded, deadLetters].map(String)
    return [stream, paint(colour, code === null ? result : `${result}: ${code}`), ...numbers, tookText(tookMs)]
  })
  return table([columns.map((name) => paint('bold', name)), ...rows])
}
