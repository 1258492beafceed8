import { parseDocument } from '../../connector/checkpoint/checkpoint-document.ts'
import { DAY_MS } from '../../connector/runtime/clock.ts'
import { runWithoutFaults } from './recovery-check.ts'
import { eraseName, startErase } from './simulated-erase.ts'
import { damageWishes, killCommand, pauseOrResume, startCommand } from './simulated-operator.ts'
import { LONGEST_REACH_MS } from './simulated-parts.ts'
import { isAlive, type Replica, startReplica, stopReplica } from './simulated-replica.ts'
import { expireSegment } from './simulated-segments.ts'
import { CONNECTOR, DAMAGED, type SimulatedStream } from './simulated-stream.ts'
import { damageCheckpoint } from './simulated-trouble.ts'
import { type DateHeader, OFFSETS_RETENTION_MS, type OperationFault, release, tick, type World } from './world.ts'

type Action = (world: World, detail: number) => void | Promise<void>

/** The actions that a choice may select, and their relative frequency. */
const actions: readonly (readonly [times: number, action: Action])[] = [
  [22, answer],
  [3, fail],
  [5, tick],
  [5, change],
  [1, crash],
  [1, arriveLate],
  [1, (world, detail) => withOneAlive(world, detail, (replica) => stopReplica(world, replica))],
  [2, startAnother],
  [1, pause],
  [2, resume],
  [1, request],
  [1, erase],
  [1, rewind],
  [1, republish],
  [1, misassign],
  [1, disconnect],
  [1, reconnect],
  [1, setClock],
  [2, recover],
  [1, stall],
  [1, loseMarker],
  [1, deleteOffsets],
  [1, expire],
]

/** Also selected in histories of the kind `crossed`. */
const rare: readonly Action[] = [damage, deleteMany, outage, killCommands, spoilWishes, killErase, grow]

const weighted = actions.flatMap(([times, action]) => Array.from({ length: times }, () => action))
const all = [...weighted, ...rare]

/** Performs the action that a choice selects; the rest of the number decides its details. */
export async function perform(world: World, choice: number): Promise<void> {
  const selectable = world.options.actions === 'all' ? all : weighted
  const action = selectable[choice % selectable.length]
  if (action !== answer) world.log(`— ${action?.name}`)
  await action?.(world, Math.floor(choice / selectable.length))
}

function answer(world: World, detail: number): void {
  release(world, detail % Math.max(1, world.pending.length), 'none')
}

/** The choice that selects this action. */
export function choiceOf(action: keyof typeof byName, detail: number, of = weighted): number {
  return of.indexOf(byName[action]) + of.length * detail
}

/** The same for the kind `crossed`. */
export const crossedChoiceOf = (action: keyof typeof byName, detail: number): number => choiceOf(action, detail, all)

const byName = {
  answer,
  change,
  tick: tick as Action,
  fail,
  crash,
  startAnother,
  setClock,
  recover,
  republish,
  rewind,
  erase,
  arriveLate,
  request,
  pause,
  resume,
  misassign,
  stall,
  loseMarker,
  deleteOffsets,
  expire,
  damage,
  deleteMany,
  outage,
  killCommands,
  spoilWishes,
  killErase,
  grow,
}

const faults = ['before', 'after', 'late'] as const
const faultOf = (detail: number): OperationFault => faults[detail % faults.length] ?? 'before'

function fail(world: World, detail: number): void {
  release(world, detail % Math.max(1, world.pending.length), faultOf(detail))
}

function change({ streams, options }: World, detail: number): void {
  if (options.deletions === 'some' && detail % 4 === 3) {
    streams[detail % streams.length]?.deleteOrReturn(Math.floor(detail / 4))
    return
  }
  const back = detail % 5 === 0
  const lateMs = latenessMs[Math.floor(detail / 7) % latenessMs.length] ?? 0
  streams[detail % streams.length]?.change(Math.floor(detail / streams.length), { back, lateMs })
}

/** How long after its modification a change becomes visible. Only the last is beyond the look-backs. */
const latenessMs = [0, 0, 0, 0, 40_000, LONGEST_REACH_MS - 10_000, LONGEST_REACH_MS - 20_000, 3 * 3_600_000]

function withOneAlive({ replicas }: World, detail: number, action: (replica: Replica) => void): void {
  const alive = replicas.filter(isAlive)
  const replica = alive[detail % Math.max(1, alive.length)]
  if (replica !== undefined) action(replica)
}

function crash(world: World, detail: number): void {
  withOneAlive(world, detail, ({ name, process }) => {
    process.crash()
    world.kafka.crash(name)
    world.group.disconnect(name)
    // Its operations in flight may still take effect, now, later or never; it gets no response.
    const inFlight = world.pending.filter(({ replica }) => replica === name)
    for (const [at, operation] of inFlight.entries())
      release(world, world.pending.indexOf(operation), faultOf(detail + at))
  })
}

function arriveLate({ kafka, store, streams, lateSegmentCalls }: World, detail: number): void {
  const { late } = store
  lateSegmentCalls.splice(detail % Math.max(1, lateSegmentCalls.length), 1)[0]?.()
  const stream = streams[detail % streams.length]?.name ?? ''
  if (detail % 3 === 0 && kafka.lateCount > 0) kafka.deliverLate(detail % kafka.lateCount)
  else if (detail % 3 === 1) late[detail % Math.max(1, late.length)]?.arrive()
  else kafka.timeOut(CONNECTOR, stream)
}

function startAnother(world: World): void {
  if (world.replicas.filter(isAlive).length < world.options.replicas) startReplica(world)
}

function pause(world: World, detail: number): void {
  withOneAlive(world, detail, (replica) => {
    replica.process.pause()
    replica.wasPaused = true
    world.group.disconnect(replica.name)
  })
}

function resume(world: World, detail: number): void {
  const paused = world.replicas.filter((replica) => isAlive(replica) && !replica.process.isRunning())
  const replica = paused[detail % Math.max(1, paused.length)]
  replica?.process.resume()
  if (replica !== undefined) world.group.reconnect(replica.name)
}

function request(world: World, detail: number): void {
  withStream(world, detail, (stream) => pauseOrResume(world, stream))
}

function rewind(world: World, detail: number): void {
  withStream(world, detail, (stream) => startCommand(world, stream, 'rewind'))
}

function republish(world: World, detail: number): void {
  const commands = ['republish', 'republishSome', 'republishHour', 'republishSomeOfHour'] as const
  withStream(world, detail, (stream) =>
    startCommand(world, stream, commands[Math.floor(detail / 3) % commands.length] ?? 'republish'),
  )
}

/** An operator erases a client. */
function erase(world: World, detail: number): void {
  withStream(world, detail, (stream) => startErase(world, stream, Math.floor(detail / world.streams.length)))
}

/** The topic gets another partition, rarely. */
function grow({ kafka }: World, detail: number): void {
  if (detail % 4 === 0) kafka.grow()
}

function killErase(world: World, detail: number): void {
  const { commands, pending, kafka, streams } = world
  const name = eraseName(streams[detail % streams.length]?.name ?? '')
  const actor = commands.get(name)
  if (actor === undefined) return
  actor.process.crash()
  kafka.crash(actor.name)
  // What it has sent may still take effect.
  for (const operation of pending.filter(({ replica }) => replica === actor.name))
    release(world, pending.indexOf(operation), faultOf(detail))
  commands.delete(name)
}

function withStream({ streams }: World, detail: number, action: (stream: SimulatedStream) => void): void {
  const stream = streams[detail % streams.length]
  if (stream !== undefined) action(stream)
}

/** The group sends a wrong assignment, or the same one again. */
function misassign({ group, streams }: World, detail: number): void {
  const members = group.members()
  const stream = streams[detail % streams.length]?.name ?? ''
  const one = members[detail % Math.max(1, members.length)]
  const other = members[Math.floor(detail / 7) % Math.max(1, members.length)]
  const owners = [[one], [one, other], [], group.ownersOf(stream)][Math.floor(detail / 3) % 4] ?? []
  group.assign(stream, [...new Set(owners.filter((name) => name !== undefined))])
}

function disconnect({ group }: World, detail: number): void {
  const members = group.members()
  const name = members[detail % Math.max(1, members.length)]
  if (name !== undefined) group.disconnect(name)
}

function reconnect({ group, replicas }: World): void {
  for (const { name, process } of replicas) if (process.isRunning()) group.reconnect(name)
}

const skewsMs = [0, 3_600_000, -3_600_000, 300_000, -300_000, 61_000, -61_000]
const dates: readonly DateHeader[] = ['missing', 3_600_000, 'stands still', -3_600_000, 'right', 300_000]

/** Sets the clock of a replica, or the servers' `Date`: only one of them may be wrong at a time. */
function setClock(world: World, detail: number): void {
  const { server, options } = world
  if (options.clocks === 'servers') server.date = dates[detail % dates.length] ?? 'right'
  else withOneAlive(world, detail, ({ clock }) => clock.skew(skewsMs[Math.floor(detail / 3) % skewsMs.length] ?? 0))
}

const recoveriesMs = [2_000, 7_000, 15_000, 2_000, 40_000]

/** Injects no faults for a while; paused processes stay paused. */
async function recover(world: World, detail: number): Promise<void> {
  await runWithoutFaults(world, () => false, recoveriesMs[detail % recoveriesMs.length] ?? 0)
}

/** Makes Kafka lose a marker of the stream's next transaction: of its events, of its commit record, or of both. */
function loseMarker(world: World, detail: number): void {
  const { kafka, streams } = world
  const where = Math.floor(detail / streams.length) % 3
  withStream(world, detail, (stream) => {
    if (where !== 1) kafka.loseNextMarker(CONNECTOR, stream.name)
    if (where === 0) return
    kafka.loseNextRecordMarker(CONNECTOR, stream.name)
    stream.hasLostRecord = true
  })
}

/** Less than the first epoch of a stream that begins again without a readable document. */
const SECONDS_OF_2000 = 946_684_800

/** Deletes the group offsets of a stream, unless they alone say what was committed. */
function deleteOffsets({ kafka, streams, store, clock }: World, detail: number): void {
  const stream = streams[detail % streams.length]
  const text = stream && store.stored(stream.key)?.text
  if (stream === undefined || text === undefined || text === DAMAGED) return
  const { claim, committed, pending } = parseDocument(text)
  // Of a stream that began again without a document, only the record tells the next beginning what was used.
  if (claim.epoch >= SECONDS_OF_2000) return
  if (pending !== null && (!committed.expectsRecord || clock.now() - committed.at >= DAY_MS)) return
  kafka.deleteRecord(CONNECTOR, stream.name)
  stream.hasLostRecord = true
}

const stallsMs = [3_000, 8_000, 70_000, 1_200_000, 3_660_000]

/** Pauses everything for a while. */
function stall({ clock, replicas }: World, detail: number): void {
  for (const replica of replicas) replica.wasPaused = true
  clock.jump(stallsMs[detail % stallsMs.length] ?? 0)
}

/** Rarely, as each leads to an operator's action. */
function expire(world: World, detail: number): void {
  const { length } = world.streams
  if (detail % 4 === 0) withStream(world, detail, (stream) => expireSegment(world, stream, Math.floor(detail / length)))
}

function killCommands(world: World, detail: number): void {
  withStream(world, detail, ({ name }) => killCommand(world, name))
}

function damage(world: World, detail: number): void {
  withStream(world, detail, (stream) => damageCheckpoint(world, stream))
}

function spoilWishes(world: World, detail: number): void {
  withStream(world, detail, (stream) => damageWishes(world, stream))
}

/** Deletes most clients at once, as a server does that has lost them, or returns the deleted ones. */
function deleteMany({ streams, options }: World, detail: number): void {
  const stream = streams[detail % streams.length]
  const most = Math.ceil(options.clients * 0.9)
  if (options.deletions === 'some') for (let client = 0; client < most; client += 1) stream?.deleteOrReturn(client)
}

/** Nothing runs until commit records expire. */
function outage({ clock, replicas, streams }: World, detail: number): void {
  for (const stream of streams) stream.hasLostRecord = true
  for (const replica of replicas) replica.wasPaused = true
  if (detail % 2 === 0) clock.jump(OFFSETS_RETENTION_MS + 86_400_000)
}
