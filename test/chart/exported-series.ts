import { systemClock } from '../../connector/runtime/clock.ts'
import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import { telemetry } from '../../connector/telemetry/telemetry.ts'
import { everyPipelineEvent } from '../support/every-pipeline-event.ts'

export interface ExportedSeries {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** All series of a replica to whose stream everything has happened. */
export async function exportedSeries(): Promise<readonly ExportedSeries[]> {
  const { registry, observe } = telemetry({
    connector: 'shops',
    replica: 'a',
    version: '1.0.0',
    level: 'silent',
    out: { write: () => {} },
    clock: systemClock,
    readyAfterMs: 60_000,
    placement: 'group',
  })
  const tell = observe('paris', { pollIntervalMs: 5000 })
  const events = everyPipelineEvent(new ConnectorError('publish.unreachable', 'connect'))
  const begins = events.filter(({ kind }) => kind === 'stream-opening' || kind === 'stream-claimed')
  for (const event of [...events, ...begins]) tell(event)
  return (await registry.metrics()).split('\n').flatMap((line) => {
    const [, name, labels] = /^(\w+)\{(.*)\} /.exec(line) ?? []
    return name === undefined || labels === undefined ? [] : [{ name, labels: labelsIn(labels) }]
  })
}

/** The selectors of an expression that no exported series answers, or none with the labels that the expression groups by. */
export function unanswered(expression: string, exported: readonly ExportedSeries[]): readonly string[] {
  const grouping = [...expression.matchAll(/by \(([^)]+)\)/g)].flatMap(([, labels = '']) => labels.split(', '))
  return [...expression.matchAll(/(\w+)\{([^}]*)\}/g)].flatMap(([selector, name, matchers = '']) => {
    const matching = exported.filter((series) => series.name === name && isMatch(series.labels, matchers))
    const isGrouped = matching.every(({ labels }) => grouping.every((label) => label in labels))
    return matching.length > 0 && isGrouped ? [] : [selector]
  })
}

const labelsIn = (text: string) =>
  Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]))

/** Prometheus adds the namespace. */
function isMatch(labels: Readonly<Record<string, string>>, matchers: string): boolean {
  return [...matchers.matchAll(/(\w+)(=~|!~|=)"([^"]*)"/g)].every(([, label = '', operator, pattern]) => {
    if (label === 'namespace') return true
    return new RegExp(`^(${pattern})$`).test(labels[label] ?? '') === (operator !== '!~')
  })
}
