import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import {
  changeWishes,
  documentIdOf,
  noWishes,
  parseWishes,
  type Rewind,
  type Wishes,
  wishesText,
} from '../../connector/checkpoint/wishes.ts'
import { hashedId } from '../../connector/index/index-entry.ts'
import { wallClock } from '../../connector/source/source-time.ts'
import { wishesKey } from '../../connector/storage/checkpoint-store-config.ts'
import { never } from '../support/signals.ts'
import { type Actor, newActor, storeReady } from './actor.ts'
import { storeOf } from './simulated-store.ts'
import { DAMAGED, type SimulatedStream, ZONE } from './simulated-stream.ts'
import type { World } from './world.ts'

/** What is wished of the stream now. */
export function storedWishes({ store }: Pick<World, 'store'>, stream: SimulatedStream): Wishes {
  const text = store.stored(wishesKey(stream.key))?.text
  return (text === undefined ? undefined : parseWishes(text)) ?? noWishes
}

type Command = (world: World, of: { readonly stream: SimulatedStream; readonly actor: Actor }) => Promise<void>

/** A command of an operator, in a process of its own: the connector's own code. */
const change =
  (wished: (world: World, stream: SimulatedStream, actor: Actor) => Partial<Wishes>): Command =>
  async (world, { stream, actor }) => {
    const { newNonce } = actor
    const object = storeOf(world, actor, { stream: stream.name, key: wishesKey(stream.key) })
    const next = wished(world, stream, actor)
    await changeWishes({ object, newNonce, storeReady: storeReady(actor) }, () => next, never)
  }

/** Waits, as `pause` does, until the document has no owner and nothing pending; then reports that the stream is paused. */
const pause: Command = async (world, of) => {
  const { stream, actor } = of
  await change(() => ({ paused: true, reason: 'test' }))(world, of)
  const object = storeOf(world, actor, { stream: stream.name, key: stream.key })
  for (let look = 0; look < 20; look += 1) {
    const stored = await object.read(never)
    const document = stored === undefined || stored.text === DAMAGED ? undefined : parseDocument(stored.text)
    if (document !== undefined && document.claim.owner === null && document.pending === null) {
      if (storedWishes(world, stream).paused)
        stream.pauses.push({ from: world.kafka.committed.length, until: Infinity })
      return
    }
    await actor.clock.sleep(5_000, never)
  }
}

const resume = change(() => ({ paused: false, reason: '' }))

type Wanted = Pick<Rewind, 'republish'> & { readonly yes?: true; readonly clients?: 'some' }

const rewindTo = (how: 'hour' | 'beginning', rest: Wanted): Command =>
  change(({ clock, store }, stream, { newNonce }) => {
    const to = how === 'beginning' ? null : wallClock(clock.now() - 3_600_000, ZONE)
    const confirmedDocument = rest.yes === true ? documentIdOf(store.stored(stream.key)) : null
    const clients = rest.clients && { clients: someClients(stream) }
    return { rewind: { id: newNonce(), to, republish: rest.republish, confirmedDocument, ...clients } }
  })

/** Every second client. */
const someClients = ({ polaris }: SimulatedStream) =>
  [...new Set(polaris.changes.map(({ clientId }) => clientId))].filter((_, at) => at % 2 === 0).map(hashedId)

const commands = {
  pause,
  resume,
  rewind: rewindTo('hour', { republish: false }),
  republish: rewindTo('beginning', { republish: true }),
  republishSome: rewindTo('beginning', { republish: true, clients: 'some' }),
  republishHour: rewindTo('hour', { republish: true }),
  /** As `audit --remove-gone` has clients published again. */
  republishSomeOfHour: rewindTo('hour', { republish: true, clients: 'some' }),
  /** The cure of a hold over what may be lost, and of one over what is undecided. */
  begin: rewindTo('beginning', { republish: true, yes: true }),
  choose: rewindTo('hour', { republish: false, yes: true }),
} as const

/** Starts a command, unless one is at work for the stream. If it fails, the operator may repeat it. */
export function startCommand(world: World, stream: SimulatedStream, name: keyof typeof commands): void {
  if (world.commands.has(stream.name)) return
  const actor = newActor(world, `operator-${world.processes.size + 1}`)
  world.commands.set(stream.name, actor)
  void commands[name](world, { stream, actor })
    .catch(() => undefined)
    .finally(() => {
      if (world.commands.get(stream.name) === actor) world.commands.delete(stream.name)
    })
}

/** The process of the command is killed. */
export function killCommand({ commands: running, kafka, pending }: World, stream: string): void {
  const actor = running.get(stream)
  if (actor === undefined) return
  actor.process.crash()
  kafka.crash(actor.name)
  running.delete(stream)
  const kept = pending.filter(({ replica }) => replica !== actor.name)
  pending.splice(0, pending.length, ...kept)
}

export function pauseOrResume(world: World, stream: SimulatedStream): void {
  startCommand(world, stream, storedWishes(world, stream).paused ? 'resume' : 'pause')
}

/** The wishes are damaged, and count as none. */
export function damageWishes({ store, kafka }: World, stream: SimulatedStream): void {
  const key = wishesKey(stream.key)
  if (store.stored(key) === undefined) return
  store.tamper(key, DAMAGED)
  endPauses(stream, kafka.committed.length)
}

/** Whatever is reported about a pause holds until another wish is stored. */
export function endPauses(stream: SimulatedStream, records: number): void {
  for (const pauses of stream.pauses) pauses.until = Math.min(pauses.until, records)
}

/** Nothing else writes at this moment. */
export function resumeAll({ store, streams, clock }: World): void {
  for (const stream of streams) {
    const key = wishesKey(stream.key)
    const text = store.stored(key)?.text
    const wishes = text === undefined ? undefined : parseWishes(text)
    if (wishes?.paused === true)
      store.tamper(key, wishesText({ ...wishes, id: `resumed/${clock.now()}`, paused: false }))
  }
}
