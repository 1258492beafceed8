import { expect, test } from 'vitest'
import { type ConnectorProcess, says } from '../support/connector-process.ts'
import { replicaScene } from '../support/replica-scene.ts'

// Two replicas share a stream, one of which is killed while the stream is paused.

const reason = 'maintenance of Polaris'

/** The exit code of a command, and what it printed. */
async function outcome(command: ConnectorProcess): Promise<{ code: number; output: string }> {
  const code = await command.exitCode()
  return { code, output: command.output() }
}

test('a paused stream stays paused when its replica is killed and another takes over, and continues when it is resumed', async () => {
  const stage = await replicaScene(['stream-1'])
  const [stream = ''] = stage.streams
  const first = stage.start()
  await first.line(says('caught up'))
  const second = stage.start()
  await second.line(says('standing by: no stream is assigned to this replica'))
  const paused = await outcome(stage.start(['pause', stream, '--reason', reason]))
  expect(paused).toMatchObject({ code: 0, output: expect.stringMatching(`stream ${stream} is paused`) })
  expect(await first.line(says('stream paused'))).toMatchObject({ stream, reason, level: 'info' })
  const calls = stage.simulator.calls.length
  stage.simulator.change()
  const report = { state: 'paused', pause: { reason, requestedAt: expect.any(String) } }
  expect(await first.status(({ state }) => state === 'paused')).toMatchObject(report)
  expect((await first.get('/metrics')).body).toMatch(/stream_state\{stream="[^"]*",state="paused",[^}]*\} 1/)
  expect(first.lines().filter(says('stream lost to another replica'))).toEqual([])
  await first.kill()
  await second.line(says('stream paused'))
  expect(await second.status(({ state }) => state === 'paused')).toMatchObject(report)
  expect((await second.get('/readyz')).status).toBe(200)
  expect(stage.simulator.calls.length).toBe(calls)

  const resumed = await outcome(stage.start(['resume', stream]))
  expect(resumed).toMatchObject({ code: 0, output: expect.stringMatching(`stream ${stream} is resumed`) })
  await second.line(says('stream claimed'))
  stage.simulator.change()
  await stage.expectAllExactlyOnce()
  expect(await second.stop()).toBe(0)
})
