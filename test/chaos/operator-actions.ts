import { setTimeout as delay } from 'node:timers/promises'
import { startConnector } from '../support/connector-process.ts'
import type { ChaosScene } from './chaos-scene.ts'
import { DELETED, type Fault } from './fault-plan.ts'

type ActionOf<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>

/** The wish is stored; a replica may not have confirmed it yet. */
const STORED = [0, 3]

/** After this time, an operator leaves a command that waits for a replica. */
const WATCHED_MS = 30_000

/** An operator uses a command; it reaches the store by a link without faults. */
async function command(scene: ChaosScene, args: readonly string[]): Promise<string> {
  const process = startConnector([...args, '--config', scene.config], scene.operator)
  const leaving = setTimeout(() => process.signal('SIGINT'), WATCHED_MS)
  const code = await process.exitCode(WATCHED_MS + 30_000).finally(() => clearTimeout(leaving))
  if (STORED.includes(code)) return `exit code ${code}`
  // The store is down at times.
  return `not stored: exit code ${code}`
}

export function erase(scene: ChaosScene, { stream, client }: ActionOf<'erase'>): Promise<string> {
  const id = scene.simulator.clientIds[client - 1] ?? ''
  return command(scene, ['erase', `shop-${stream}`, '--client', id])
}

export function republish(scene: ChaosScene, { stream }: ActionOf<'republish'>): Promise<string> {
  return command(scene, ['checkpoint', 'rewind', `shop-${stream}`, '--to', 'beginning', '--republish'])
}

/** Pauses a stream, and resumes it. */
export async function pauseStream(scene: ChaosScene, { stream, forMs }: ActionOf<'pause stream'>): Promise<string> {
  const name = `shop-${stream}`
  const paused = await command(scene, ['pause', name, '--reason', 'chaos'])
  await delay(forMs)
  return `${paused}, ${await command(scene, ['resume', name])}`
}

/** Deletes clients in the source and returns them. */
export async function deleteClients(
  { simulator, wereAbsent }: ChaosScene,
  { first, forMs }: ActionOf<'delete clients'>,
): Promise<string> {
  const ids = simulator.clientIds.slice(first - 1, first - 1 + DELETED)
  for (const id of ids) wereAbsent.add(id)
  simulator.remove(ids)
  await delay(forMs)
  simulator.restore(ids)
  return ''
}

/** Waits until no stream is paused, and every rewind is applied: one that faults have delayed is not lost. */
export async function untilCarriedOut(scene: ChaosScene, withinMs: number): Promise<void> {
  for (const late = AbortSignal.timeout(withinMs); ; await delay(500)) {
    const process = startConnector(['checkpoint', 'show', '--json', '--config', scene.config], scene.operator)
    const isRead = (await process.exitCode()) === 0
    const { streams } = isRead ? (JSON.parse(process.printed()) as Checkpoints) : { streams: [] }
    for (const { stream, remark = '' } of streams)
      if (remark.startsWith('paused')) await command(scene, ['resume', stream])
    const open = streams.filter(({ remark }) => remark !== undefined)
    if (isRead && open.length === 0) return
    if (late.aborted)
      throw new Error(`wishes of ${open.map(({ stream }) => stream)} not fulfilled after ${withinMs} ms`)
  }
}

interface Checkpoints {
  /** `remark`: that it is paused, or that a rewind is not applied yet. */
  readonly streams: readonly { readonly stream: string; readonly remark?: string }[]
}
