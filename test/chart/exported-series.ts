import { ConnectorError } from '../../connector/runtime/connector-error.ts'
import { everyPipelineEvent } from '../support/every-pipeline-event.ts'
import { polling } from '../support/polling.ts'
import { failed, reporting } from '../support/stream-states.ts'
import { testTelemetry } from '../support/test-telemetry.ts'

export interface ExportedSeries {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** All series of a replica whose stream has produced every kind of event. */
export async function exportedSeries(): Promise<readonly ExportedSeries[]> {
  const { registry, observe } = testTelemetry()
  const observer = reporting(observe('paris', polling))
  const error = new ConnectorError('publish.failed', 'connect')
  const events = everyPipelineEvent(error)
  // In the end it fails and a scan is backed off, so that every series of a running stream exists.
  const ofKinds = (...kinds: readonly string[]) => events.filter(({ kind }) => kinds.includes(kind))
  const again = [...ofKinds('stream-claimed', 'pages-published'), failed('retrying', error)]
  for (const event of [...events, ...again, ...ofKinds('scan-backed-off')]) observer(event)
  return (await registry.metrics()).split('\n').flatMap((line) => {
    const [, name, labels] = /^(\w+)\{(.*)\} /.exec(line) ?? []
    return name === undefined || labels === undefined ? [] : [{ name, labels: labelsIn(labels) }]
  })
}

/** The selectors of an expression that match no exported series, or none with the labels it groups by. */
export function unanswered(expression: string, exported: readonly ExportedSeries[]): readonly string[] {
  return [...expression.matchAll(/(\w+)\{([^}]*)\}/g)].flatMap(({ 0: selector, 1: name, 2: matchers = '', index }) => {
    const grouping = groupingBefore(expression.slice(0, index))
    const matching = exported.filter((series) => series.name === name && isMatch(series.labels, matchers))
    const isGrouped = matching.every(({ labels }) => grouping.every((label) => label in labels))
    return matching.length > 0 && isGrouped ? [] : [selector]
  })
}

/** The labels of the nearest `by (…)`. */
function groupingBefore(text: string): readonly string[] {
  const labels = [...text.matchAll(/by \(([^)]+)\)/g)].at(-1)?.[1]
  return labels?.split(', ') ?? []
}

const labelsIn = (text: string) =>
  Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]))

/** Ignores `namespace`, which Prometheus adds. */
function isMatch(labels: Readonly<Record<string, string>>, matchers: string): boolean {
  return [...matchers.matchAll(/(\w+)(=~|!~|=)"([^"]*)"/g)].every(([, label = '', operator, pattern]) => {
    if (label === 'namespace') return true
    return new RegExp(`^(${pattern})$`).test(labels[label] ?? '') === (operator !== '!~')
  })
}
