import { distribution, type Move } from './moves.ts'

/** What one cause did in one round. */
export interface Outcome {
  readonly cause: string
  readonly moves: readonly Move[]
  /** Pages of the streams that moved which were asked for twice, and of these answered twice. */
  readonly again: { readonly asked: number; readonly answered: number }
  readonly stayed: { readonly openings: number; readonly silentMs: number }
}

/** One line of one outcome. */
export function told({ cause, moves, again, stayed }: Outcome): string {
  const seconds = (of: (move: Move) => number) => moves.map((move) => (of(move) / 1000).toFixed(2)).join(' ')
  const openings = moves.map((move) => move.openings).join(' ')
  return (
    `${cause}: first event ${seconds((move) => move.firstEventMs)} s, silent ${seconds((move) => move.silentMs)} s, ` +
    `openings ${openings}, pages asked again ${again.asked}, answered again ${again.answered}; stayed: openings ${stayed.openings}, silent ${stayed.silentMs} ms`
  )
}

const HEAD = [
  ...['what happens', 'rounds', 'moves', 'first event: least s', 'median', 'p90', 'most'],
  ...[
    'silent: least s',
    'median',
    'p90',
    'most',
    'pages asked again, per move',
    'answered again',
    'openings, per move',
  ],
  ...['openings of streams that stay', 'their longest silence: median s', 'most'],
]

/** A Markdown table, one row for each cause. */
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
  const moves = outcomes.flatMap((outcome) => outcome.moves)
  const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0)
  const perMove = (total: number) => (moves.length === 0 ? '–' : (total / moves.length).toFixed(2))
  const [, medianSilent = '', , mostSilent = ''] = distribution(outcomes.map(({ stayed }) => stayed.silentMs))
  return [
    ...[name, String(outcomes.length), String(moves.length)],
    ...distribution(moves.map(({ firstEventMs }) => firstEventMs)),
    ...distribution(moves.map(({ silentMs }) => silentMs)),
    perMove(sum(outcomes.map(({ again }) => again.asked))),
    perMove(sum(outcomes.map(({ again }) => again.answered))),
    perMove(sum(moves.map(({ openings }) => openings))),
    ...[String(sum(outcomes.map(({ stayed }) => stayed.openings))), medianSilent, mostSilent],
  ]
}
