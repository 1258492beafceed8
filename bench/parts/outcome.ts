import { distribution, type Takeover } from './rebalances.ts'

/** Effect of one cause in one round. */
export interface Outcome {
  readonly cause: string
  readonly takeovers: readonly Takeover[]
  /** Of the streams taken over: requests and responses for a page that was requested or returned before. */
  readonly repeated: { readonly requests: number; readonly answers: number }
  /** The streams that kept their owner. */
  readonly others: { readonly openings: number; readonly silentMs: number }
}

/** An outcome as one line of text. */
export function lineOf({ cause, takeovers, repeated, others }: Outcome): string {
  const seconds = (times: readonly number[]) => times.map((ms) => (ms / 1000).toFixed(2)).join(' ')
  const firstEvents = seconds(takeovers.map(({ firstEventMs }) => firstEventMs))
  const silences = seconds(takeovers.map(({ silentMs }) => silentMs))
  const openings = takeovers.map((takeover) => takeover.openings).join(' ')
  return (
    `${cause}: first event ${firstEvents} s, silent ${silences} s, openings ${openings}, ` +
    `pages requested again ${repeated.requests}, returned again ${repeated.answers}; ` +
    `other streams: openings ${others.openings}, silent ${others.silentMs} ms`
  )
}

const HEAD = [
  ...['cause', 'rounds', 'takeovers', 'first event: min s', 'median', 'p90', 'max'],
  ...['silent: min s', 'median', 'p90', 'max'],
  ...['pages requested again per takeover', 'returned again per takeover', 'openings per takeover'],
  ...['openings of other streams', 'their longest silence: median s', 'max'],
]

/** A Markdown table with one row per cause. */
export function tableOfOutcomes(outcomes: readonly Outcome[]): string {
  const names = [...new Set(outcomes.map(({ cause }) => cause))]
  const rows = names.map((name) =>
    rowOf(
      name,
      outcomes.filter(({ cause }) => cause === name),
    ),
  )
  return [HEAD, HEAD.map((_, at) => (at === 0 ? '---' : '--:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function rowOf(name: string, outcomes: readonly Outcome[]): string[] {
  const takeovers = outcomes.flatMap((outcome) => outcome.takeovers)
  const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0)
  const perTakeover = (total: number) => (takeovers.length === 0 ? '–' : (total / takeovers.length).toFixed(2))
  const [, medianSilent = '', , maxSilent = ''] = distribution(outcomes.map(({ others }) => others.silentMs))
  return [
    ...[name, String(outcomes.length), String(takeovers.length)],
    ...distribution(takeovers.map(({ firstEventMs }) => firstEventMs)),
    ...distribution(takeovers.map(({ silentMs }) => silentMs)),
    perTakeover(sum(outcomes.map(({ repeated }) => repeated.requests))),
    perTakeover(sum(outcomes.map(({ repeated }) => repeated.answers))),
    perTakeover(sum(takeovers.map(({ openings }) => openings))),
    ...[String(sum(outcomes.map(({ others }) => others.openings))), medianSilent, maxSilent],
  ]
}
