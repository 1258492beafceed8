import type * as z from 'zod'
import type { EventMode } from '../../event/cloud-event/event-form.ts'
import type { RemovedSettings } from '../../pipeline/features/removal/removed-clients.ts'
import type { Violation } from '../config-problem.ts'
import * as setting from '../setting-types.ts'

export const removedSection = setting.section('Clients that full scans no longer return', {
  mode: setting.choice({
    choices: ['off', 'report', 'event', 'tombstone'],
    default: 'off',
    variable: 'REMOVED_MODE',
    description:
      'What happens with clients that two full scans in a row did not return: nothing (`off`), log lines and metrics (`report`), also an event `client.removed` (`event`), and a tombstone after it (`tombstone`); with `event.mode: binary`, `tombstone` publishes one tombstone, and `event` is not possible. Other than `off`, it needs `poll.fullScan.every`. In Helm values, write `"off"` in quotes',
  }),
  maxPercent: setting.wholeNumber({
    min: 0,
    max: 100,
    default: 1,
    variable: 'REMOVED_MAX_PERCENT',
    description:
      'If more than this percentage of the clients, and more than ten, become missing or are gone at once, none is marked or removed, and an alert fires',
  }),
})

type RemovedSection = z.output<typeof removedSection>

/** Undefined: off. */
export function removedSettings(
  { mode, maxPercent }: RemovedSection,
  eventMode: EventMode,
): RemovedSettings | undefined {
  if (mode === 'off') return undefined
  const tombstone = eventMode === 'binary' ? 'tombstone' : 'event and tombstone'
  const publish = { report: 'nothing', event: 'event', tombstone } as const
  return { publish: publish[mode], maxShare: maxPercent / 100 }
}

interface CheckedStream {
  readonly removed: RemovedSection
  readonly poll: { readonly fullScan: { readonly every: number } }
  readonly event: { readonly mode: EventMode }
  readonly sharedKeys: boolean
}

export function removedClients({ removed, event, poll, sharedKeys }: CheckedStream): Violation[] {
  const { mode } = removed
  const at = (name: keyof RemovedSection, what: string) => [{ path: ['removed', name], what }]
  return [
    ...(mode !== 'off' && poll.fullScan.every === 0
      ? at('mode', `is ${mode}, but there are no full scans: set poll.fullScan.every, for example to 168h`)
      : []),
    ...(mode === 'event' && event.mode === 'binary'
      ? at('mode', 'is event, but with event.mode binary a removal is a tombstone: use tombstone or report')
      : []),
    ...((mode === 'event' || mode === 'tombstone') && sharedKeys
      ? at('mode', 'must not publish with sharedKeys: other streams may have the client. Use report')
      : []),
  ]
}
