import type * as z from 'zod'
import type { RemovedSettings } from '../../pipeline/features/removal/removed-clients.ts'
import type { Violation } from '../config-problem.ts'
import * as setting from '../setting-types.ts'

export const removedSection = setting.section('Clients that full scans no longer return', {
  mode: setting.choiceOr('off', ['off', 'report', 'event'], {
    description:
      'What happens with clients that two full scans in a row did not return and that have not changed since: nothing (`off`), log lines and metrics (`report`), or also an event `client.removed` (`event`). Other than `off`, it needs `poll.fullScan.every`, and up to 22 bytes of memory for each client while a full scan runs. In Helm values, write `"off"` in quotes',
    variable: 'REMOVED_MODE',
  }),
  tombstone: setting.flagOr('false', {
    description:
      'Publish a tombstone after each event `client.removed`, so that compaction deletes the client from the topic',
    variable: 'REMOVED_TOMBSTONE',
  }),
  maxPercent: setting.wholeNumberOr(
    1,
    { min: 0, max: 100 },
    {
      description:
        'If more than this percentage of the clients, and more than ten, become missing in one full scan, or are to be removed at once, none is marked or removed, and an alert fires',
      variable: 'REMOVED_MAX_PERCENT',
    },
  ),
})

type RemovedSection = z.output<typeof removedSection>

/** Undefined: off. */
export function removedSettings({ mode, tombstone, maxPercent }: RemovedSection): RemovedSettings | undefined {
  if (mode === 'off') return undefined
  const event = tombstone ? 'event and tombstone' : 'event'
  return { publish: mode === 'report' ? 'nothing' : event, maxShare: maxPercent / 100 }
}

interface CheckedStream {
  readonly removed: RemovedSection
  readonly poll: { readonly fullScan: { readonly every: number } }
  readonly sharedKeys: boolean
}

export function removedClients({ removed, poll, sharedKeys }: CheckedStream): Violation[] {
  const { mode, tombstone } = removed
  const at = (name: keyof RemovedSection, what: string) => [{ path: ['removed', name], what }]
  return [
    ...(mode !== 'off' && poll.fullScan.every === 0
      ? at('mode', `is ${mode}, but there are no full scans: set poll.fullScan.every, for example to 168h`)
      : []),
    ...(mode === 'event' && sharedKeys
      ? at('mode', 'must not be event with sharedKeys: other streams may have the client. Use report')
      : []),
    ...(tombstone && mode !== 'event' ? at('tombstone', 'requires removed.mode: event') : []),
  ]
}
