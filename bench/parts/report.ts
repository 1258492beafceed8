import { type Figures, median } from './figures.ts'
import type { LoopDelay } from './loop-delay.ts'
import type { Case } from './plan.ts'

/** All rounds of one case. */
export interface Measured {
  readonly case: Case
  readonly rounds: readonly Round[]
}
export interface Round {
  readonly walk: Figures
  readonly connector: Figures
  readonly kafkajs: Figures
  readonly publisher: Figures
  readonly eventsPerTransaction: number
  readonly memory: readonly number[]
  readonly loopDelay: LoopDelay
}

const HEAD = [
  ...['case', 'clients', 'events/s', 'CPU s per million', 'peak RSS MB'],
  ...['event loop while reading: p99 ms', 'longest ms', 'while publishing: longest ms'],
  'events per transaction',
  ...['walk, clients/s', 'of the walk', 'kafkajs, events/s', 'of kafkajs', 'kafkajs CPU s', 'own publisher, events/s'],
  'own publisher CPU s',
]

/** A Markdown table with the median of all rounds. Ratios are computed within a round, then their median is taken. */
export function tableOf(measured: readonly Measured[]): string {
  const rows = [HEAD, HEAD.map((_, at) => (at === 0 ? '---' : '--:')), ...measured.map(rowOf)]
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function rowOf({ case: { name, clients }, rounds }: Measured): string[] {
  const of = (part: 'walk' | 'connector' | 'kafkajs' | 'publisher') => median(rounds.map((round) => round[part]))
  const connector = of('connector')
  const whole = (value: number) => Math.round(value).toLocaleString('en')
  return [
    ...[name, whole(clients), whole(connector.perSecond), connector.cpuPerMillion.toFixed(1)],
    ...[whole(connector.peakMegabytes), ...loopDelays(rounds), whole(rounds[0]?.eventsPerTransaction ?? Number.NaN)],
    ...[whole(of('walk').perSecond), ratio(rounds, 'walk')],
    ...[whole(of('kafkajs').perSecond), ratio(rounds, 'kafkajs'), of('kafkajs').cpuPerMillion.toFixed(1)],
    ...[whole(of('publisher').perSecond), of('publisher').cpuPerMillion.toFixed(1)],
  ]
}

/** The worst of all rounds. */
function loopDelays(rounds: readonly Round[]): string[] {
  const worst = (of: (delay: LoopDelay) => number) =>
    Math.max(...rounds.map(({ loopDelay }) => of(loopDelay))).toFixed(0)
  return [
    worst(({ reading }) => reading.p99Ms),
    worst(({ reading }) => reading.longestMs),
    worst(({ publishing }) => publishing.longestMs),
  ]
}

function ratio(rounds: readonly Round[], limit: 'walk' | 'kafkajs'): string {
  const ratios = rounds.map((round) => round.connector.perSecond / round[limit].perSecond)
  return (ratios.sort((one, other) => one - other)[(ratios.length - 1) >> 1] ?? Number.NaN).toFixed(2)
}
