import { createChanges } from '../../../runtime/changes.ts'
import type { PageGroup } from '../../group/building.ts'
import type { PipelineEvent } from '../../pipeline-event.ts'

/** Counts how often the marks of clients that are missing were changed in the table. */
export function markChanges() {
  const { changed, until } = createChanges()
  let count = 0
  return {
    until,
    count: () => count,
    changed: () => {
      count += 1
      changed()
    },
  }
}

/** What to report once the group is delivered. */
export function removalEvents({ fullScan, removed }: PageGroup): PipelineEvent[] {
  const events: PipelineEvent[] = removed === 0 ? [] : [{ kind: 'clients-removed', clients: removed }]
  if (fullScan === undefined) return events
  const { scan: _, ...found } = fullScan
  return [...events, { kind: 'full-scan-compared', ...found }]
}

/** Whether the group is the last one of a full scan or of removals. */
export const changesMarks = ({ fullScan, endsRemovals }: PageGroup): boolean => fullScan !== undefined || endsRemovals
