import { runFairly } from './fair-end.ts'
import { isAlive, type Replica, startReplica, stopReplica } from './simulated-replica.ts'
import { CONNECTOR } from './simulated-stream.ts'
import { type Fate, release, tick, type World } from './world.ts'

type Act = (world: World, detail: number) => void | Promise<void>

/** What one number of the tape may do; how often each comes. */
const acts: readonly (readonly [times: number, act: Act])[] = [
  [22, (world, detail) => release(world, detail % Math.max(1, world.waiting.length), 'none')],
  [3, fail],
  [5, tick],
  [3, change],
  [1, crash],
  [1, arriveLate],
  [1, (world, detail) => withOneAlive(world, detail, (replica) => stopReplica(world, replica))],
  [2, startAnother],
  [1, pause],
  [2, wake],
  [1, misplace],
  [1, cut],
  [1, mend],
  [1, setClock],
  [2, calm],
  [1, stall],
  [1, loseEnd],
]

const drum = acts.flatMap(([times, act]) => Array.from({ length: times }, () => act))

/** One decision of the tape. */
export async function act(world: World, choice: number): Promise<void> {
  const act = drum[choice % drum.length]
  if (act?.name !== '') world.tell(`— ${act?.name}`)
  await act?.(world, Math.floor(choice / drum.length))
}

const faults = ['before', 'after', 'late'] as const
const faultOf = (detail: number): Fate => faults[detail % faults.length] ?? 'before'

function fail(world: World, detail: number): void {
  release(world, detail % Math.max(1, world.waiting.length), faultOf(detail))
}

function change({ streams }: World, detail: number): void {
  streams[detail % streams.length]?.change(Math.floor(detail / streams.length), detail % 5 === 0)
}

function withOneAlive({ replicas }: World, detail: number, act: (replica: Replica) => void): void {
  const alive = replicas.filter(isAlive)
  const replica = alive[detail % Math.max(1, alive.length)]
  if (replica !== undefined) act(replica)
}

function crash(world: World, detail: number): void {
  withOneAlive(world, detail, ({ name, life }) => {
    life.crash()
    world.kafka.crash(name)
    world.group.silence(name)
    // What was under way still happens, sooner or later, or never; nobody hears of it.
    const underWay = world.waiting.filter(({ replica }) => replica === name)
    for (const [at, operation] of underWay.entries())
      release(world, world.waiting.indexOf(operation), faultOf(detail + at))
  })
}

function arriveLate({ kafka, store, streams }: World, detail: number): void {
  const { late } = store
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
    replica.life.pause()
    replica.wasPaused = true
    world.group.silence(replica.name)
  })
}

function wake(world: World, detail: number): void {
  const paused = world.replicas.filter((replica) => isAlive(replica) && !replica.life.isRunning())
  const replica = paused[detail % Math.max(1, paused.length)]
  replica?.life.wake()
  if (replica !== undefined) world.group.hear(replica.name)
}

/** The group tells something wrong, or the same again. */
function misplace({ group, streams }: World, detail: number): void {
  const members = group.members()
  const stream = streams[detail % streams.length]?.name ?? ''
  const one = members[detail % Math.max(1, members.length)]
  const other = members[Math.floor(detail / 7) % Math.max(1, members.length)]
  const owners = [[one], [one, other], [], group.ownersOf(stream)][Math.floor(detail / 3) % 4] ?? []
  group.assign(stream, [...new Set(owners.filter((name) => name !== undefined))])
}

function cut({ group }: World, detail: number): void {
  const members = group.members()
  const name = members[detail % Math.max(1, members.length)]
  if (name !== undefined) group.silence(name)
}

function mend({ group, replicas }: World): void {
  for (const { name, life } of replicas) if (life.isRunning()) group.hear(name)
}

const skewsMs = [0, 3_600_000, -3_600_000, 300_000, -300_000, 61_000, -61_000]

function setClock(world: World, detail: number): void {
  withOneAlive(world, detail, ({ clock }) => clock.skew(skewsMs[Math.floor(detail / 3) % skewsMs.length] ?? 0))
}

const calmsMs = [2_000, 7_000, 15_000, 2_000, 40_000]

/** For a while nothing fails; who stands still goes on standing still. */
async function calm(world: World, detail: number): Promise<void> {
  await runFairly(world, () => false, calmsMs[detail % calmsMs.length] ?? 0)
}

/** The brokers lose the end of the next transaction of a stream: where its events are, where its note is, or both. */
function loseEnd({ kafka, streams }: World, detail: number): void {
  const stream = streams[detail % streams.length]?.name ?? ''
  const where = Math.floor(detail / streams.length) % 3
  if (where !== 1) kafka.loseNextEnd(CONNECTOR, stream)
  if (where !== 0) kafka.loseNextNote(CONNECTOR, stream)
}

const stallsMs = [3_000, 8_000, 70_000, 1_200_000, 3_660_000]

/** Everything stands still for a while. */
function stall({ clock, replicas }: World, detail: number): void {
  for (const replica of replicas) replica.wasPaused = true
  clock.jump(stallsMs[detail % stallsMs.length] ?? 0)
}
