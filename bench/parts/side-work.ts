import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { updateControl } from '../../connector/control/control-document.ts'
import { type NewRequest, requested } from '../../connector/control/requests.ts'
import { controlKey } from '../../connector/storage/checkpoint-store-config.ts'
import { storeIn } from './opening-times.ts'
import { FOLDER, type ScanRig } from './scan-rig.ts'

/** Settings under which clients that are gone from Polaris are removed within a minute or two. */
export const REMOVALS = { POLL_FULL_SCAN_EVERY: '30s', REMOVED_MODE: 'tombstone', REMOVED_MAX_PERCENT: '10' }

const EVERY_MS = 3_000
const REPUBLISHED_PER_SECOND = 50
const never = new AbortController().signal

/** What operators and Polaris do beside the changes: all clients are published again, and some erased or removed. */
export interface SideWork {
  end(): Promise<void>
}

export function sideWork(rig: ScanRig): SideWork {
  const store = storeIn(rig.s3, FOLDER)
  const control = { object: store.object(controlKey('bench')), storeReady: async () => {}, newNonce: randomUUID }
  const ask = async (wanted: NewRequest) => {
    const by = { id: randomUUID(), by: 'bench', at: Date.now() }
    await updateControl(control, (document) => requested(document, wanted, by), never)
  }
  const stop = new AbortController()
  // The last clients: the changes begin with the first ones.
  const last = rig.simulator.clientIds.toReversed().values()
  const nextId = () => last.next().value ?? ''
  const working = (async () => {
    const all = { kind: 'all', maxPerSecond: REPUBLISHED_PER_SECOND } as const
    await ask({ kind: 'republish', stream: 'clients', from: null, wanted: all })
    while (!stop.signal.aborted) {
      await ask({ kind: 'erase', stream: 'clients', client: nextId(), reason: 'bench', force: true })
      rig.simulator.remove([nextId()])
      await delay(EVERY_MS, undefined, { signal: stop.signal }).catch(() => {})
    }
  })()
  return {
    end: async () => {
      stop.abort()
      await working
      await store.close()
    },
  }
}
