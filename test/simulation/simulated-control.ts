import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import {
  type ControlDocument,
  noRequests,
  parseControl,
  updateControl,
} from '../../connector/control/control-document.ts'
import { type ControlWatch, controlWatch } from '../../connector/control/control-watch.ts'
import type { SeenControl } from '../../connector/control/stream-requests.ts'
import { controlKey } from '../../connector/storage/checkpoint-store-config.ts'
import { never } from '../support/signals.ts'
import type { Actor } from './actor.ts'
import type { Replica } from './simulated-replica.ts'
import { storeOf } from './simulated-store.ts'
import { CONNECTOR } from './simulated-stream.ts'
import { DAMAGED, type PendingOperation, type World } from './world.ts'

const KEY = controlKey(CONNECTOR)
/** Longer than in the connector, so that histories have other operations too. */
export const CONTROL_READ_MS = 20_000

/** The control object as one replica sees it, through the connector's own code. */
export function replicaControl(world: World, replica: Actor): ControlWatch {
  const { name, clock, newNonce } = replica
  return controlWatch({
    ...{ object: storeOf(world, replica, { stream: '', key: KEY }), storeReady: async () => {}, newNonce },
    clock: { ...clock, sleep: (_, stop) => clock.sleep(CONTROL_READ_MS, stop) },
    checkpoints: async () => seenByCheckpoints(world),
    ...{ replica: name, observe: ({ kind }) => world.eventKinds.add(kind) },
  })
}

function seenByCheckpoints({ streams, store }: Pick<World, 'streams' | 'store'>): Map<string, SeenControl> {
  const found = streams.flatMap(({ name, key }): [string, SeenControl][] => {
    const { text = '{' } = store.stored(key) ?? {}
    return text === '{' ? [] : [[name, parseDocument(text).control]]
  })
  return new Map(found)
}

/** What the control object says now. */
export function storedControl({ store }: Pick<World, 'store'>): ControlDocument {
  const stored = store.stored(KEY)
  return stored === undefined ? noRequests : parseControl(stored.text)
}

/** An operator changes the control object; no replica writes meanwhile. */
export async function changeControl(
  { store, nextStoreCall, control }: World,
  change: (document: ControlDocument) => ControlDocument | undefined,
): Promise<void> {
  nextStoreCall.fault = 'none'
  control.changes += 1
  const newNonce = () => `operator/${control.changes}`
  await updateControl({ object: store.object(KEY), storeReady: async () => {}, newNonce }, change, never)
}

/** The control object is deleted, rolled back, or damaged until an operator restores it. */
export function loseControl(world: World, detail: number): void {
  const { store, control, commands } = world
  const text = store.stored(KEY)?.text
  if (text === undefined || control.healthy !== undefined || commands.size > 0) return
  if (detail % 3 === 0) {
    control.healthy = text
    store.tamper(KEY, DAMAGED)
    const settle = () => healControl(world)
    world.enqueue({ replica: 'operator', stream: '', what: 'process', operation: 'heal control', settle })
    return
  }
  const earlier = store.history(KEY).filter((one) => one !== DAMAGED)
  const back = detail % 3 === 1 ? undefined : earlier[Math.floor(detail / 3) % earlier.length]
  rememberLost(world, parseControl(text), back === undefined ? noRequests : parseControl(back))
  store.tamper(KEY, back)
}

export function healControl({ store, control }: Pick<World, 'store' | 'control'>): void {
  if (control.healthy !== undefined) store.tamper(KEY, control.healthy)
  control.healthy = undefined
}

function rememberLost({ control, replicas }: World, before: ControlDocument, after: ControlDocument): void {
  for (const { id, progress } of before.requests) {
    if (after.requests.find((one) => one.id === id)?.progress.kind === progress.kind) continue
    const knows = ({ process, control: watch }: Replica) =>
      !process.isCrashed() && (watch.current()?.requests.some((one) => one.id === id) ?? false)
    control.lost.set(
      id,
      replicas.filter(knows).map(({ name }) => name),
    )
  }
}

/** One read every few seconds, which alone changes nothing. */
export const isControlRead = (operation: PendingOperation | undefined): boolean =>
  operation?.operation === `read ${KEY}`
