import { describe, expect, test } from 'vitest'
import type { ResumePoint } from '../../../connector/checkpoint/stream-state.ts'
import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { refusalGuard } from '../../../connector/pipeline/refusal-guard.ts'
import { createServerClock } from '../../../connector/pipeline/server-clock.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { virtualClock } from '../../support/virtual-clock.ts'
import { pollSettings } from './open-parts.ts'
import { noon, resumePoint, token } from './readings.ts'

function guardOf() {
  const events: PipelineEvent[] = []
  const serverClock = createServerClock(virtualClock(noon), () => {})
  const { readAgain } = refusalGuard({ settings: pollSettings, serverClock, observe: (event) => events.push(event) })
  /** Where it goes on, or the code that it stops with. */
  const refuse = (clients: number, at: Partial<ResumePoint> = {}, drains = 0) => {
    try {
      return readAgain(resumePoint({ checkPoint: token('t'), ...at }), { drains, clients }).lastChanged as string
    } catch (error) {
      return codeOf(error)
    }
  }
  return { refuse, events }
}

describe('a server that refuses its own tokens', () => {
  test('is read again from the beginning of the drain, and told about', () => {
    const { refuse, events } = guardOf()
    expect(refuse(10)).toBe('2026-06-15T11:00:00')
    expect(events).toEqual([{ kind: 'checkpoint-refused', lastChanged: '2026-06-15T11:00:00' }])
  })

  test('stops the stream when the drain does not get further for the fourth time', () => {
    const { refuse } = guardOf()
    expect([refuse(10), refuse(10), refuse(9)]).not.toContain('source.checkpoint-refused')
    expect(refuse(10)).toBe('source.checkpoint-refused')
  })

  test('goes on as long as each time more clients were read', () => {
    const { refuse } = guardOf()
    for (let clients = 1; clients < 30; clients += 1) expect(refuse(clients)).toBe('2026-06-15T11:00:00')
  })

  test('or a drain has ended in between', () => {
    const { refuse } = guardOf()
    for (let drains = 0; drains < 30; drains += 1) expect(refuse(5, {}, drains)).toBe('2026-06-15T11:00:00')
  })

  test('or the beginning moves on', () => {
    const { refuse } = guardOf()
    for (let minute = 10; minute < 50; minute += 1)
      expect(refuse(5, { lastModifiedAt: `2026-06-15T11:${minute}:00` as SourceTime })).not.toBe(
        'source.checkpoint-refused',
      )
  })
})
