import { pauseOf } from '../../connector/control/requests.ts'
import { checkOpening } from '../../connector/inspect/check-stream.ts'
import { ConnectorError, codeOf } from '../../connector/runtime/connector-error.ts'
import { wallClock } from '../../connector/source/source-time.ts'
import type { OpenParts } from '../../connector/stream/open/open-parts.ts'
import { rebuildIndex } from '../../connector/stream/rewrite/rebuild-index.ts'
import { type RewriteRequest, rewriteCheckpoint } from '../../connector/stream/rewrite/rewrite-checkpoint.ts'
import { never } from '../support/signals.ts'
import { type Actor, newActor } from './actor.ts'
import { storedControl } from './simulated-control.ts'
import { pauseOrResume, requestCheck } from './simulated-operator.ts'
import { openParts } from './simulated-parts.ts'
import { type SimulatedStream, ZONE } from './simulated-stream.ts'
import type { World } from './world.ts'

/** A command of an operator that replaces the checkpoint: the connector's own code, in a process of its own. */
type Command = (world: World, of: { stream: SimulatedStream; actor: Actor; opening: OpenParts }) => Promise<unknown>

const rewriting =
  (to: (world: World) => RewriteRequest['to']): Command =>
  async (world, { stream, opening }) => {
    await rewriteCheckpoint(opening, { to: to(world), republish: false, timeZone: ZONE }, never)
    await requestCheck(world, stream.name)
  }

const commands: readonly Command[] = [
  rewriting(({ clock }) => ({ kind: 'read-again', from: wallClock(clock.now() - 3_600_000, ZONE) })),
  rewriting(() => ({ kind: 'reset' })),
  rebuild,
  rebuild,
]
const RESET = 1

/** Starts a command, unless one is at work for the stream, or its checkpoint is damaged. */
export function startCommand(world: World, stream: SimulatedStream, detail: number): void {
  const { name } = stream
  if (world.commands.has(name) || stream.healthy !== undefined || world.control.healthy !== undefined) return
  const actor = newActor(world, `operator-${world.processes.size + 1}`)
  world.commands.set(name, actor)
  const opening = openParts(world, actor, { stream, observe: () => {}, assignment: () => 'here' })
  const command = commands[detail % commands.length]
  void command?.(world, { stream, actor, opening })
    .catch((error: unknown) => {
      if (codeOf(error) === 'bug') world.violations.push(`${name}: ${actor.name} failed: ${error}`)
    })
    .finally(() => world.commands.delete(name))
}

/** An operator cures a held stream by a reset, which publishes all clients again. */
export function cure(world: World, stream: SimulatedStream): void {
  startCommand(world, stream, RESET) // if it fails, its replica alerts again
}

/** The process of the command is killed. */
export function killCommand({ commands, kafka, pending }: World, stream: string): void {
  const actor = commands.get(stream)
  if (actor === undefined) return
  actor.process.crash()
  kafka.crash(actor.name)
  commands.delete(stream)
  const kept = pending.filter(({ replica }) => replica !== actor.name)
  pending.splice(0, pending.length, ...kept)
}

/** Pauses the stream first, and resumes it. */
async function rebuild(world: World, { stream, actor, opening }: Parameters<Command>[1]): Promise<void> {
  const { name } = stream
  const wasPaused = isPaused(world, name)
  if (!wasPaused) await pauseOrResume(world, name)
  try {
    await actor.clock.sleep(30_000, never)
    const mustNotRun = () => mustBePausedOrHeld(world, name, opening)
    stream.rebuiltAt.push(world.kafka.committed.length)
    await rebuildIndex({ ...opening, mustNotRun, onProgress: () => {} }, never)
    world.eventKinds.add('index-rebuilt')
  } finally {
    if (!wasPaused && isPaused(world, name)) await pauseOrResume(world, name)
  }
}

const isPaused = (world: World, stream: string) => pauseOf(storedControl(world), stream) !== undefined

async function mustBePausedOrHeld(world: World, stream: string, opening: OpenParts): Promise<void> {
  if (pauseOf(storedControl(world), stream)?.progress.kind === 'done') return
  const isHeld = await checkOpening(opening, never).then(
    () => false,
    () => true,
  )
  if (!isHeld) throw new ConnectorError('command.invalid', 'simulated: the stream runs')
}
