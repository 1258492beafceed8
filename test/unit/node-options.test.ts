import { execPath } from 'node:process'
import { expect, test } from 'vitest'
import { mallocVariables, nodeOptions, startWithOptions } from '../../connector/node-options.ts'

const own = { execPath, execArgv: ['--import=x'], argv: ['node', '/main.js', 'run'], env: { MALLOC_ARENA_MAX: '2' } }

test('starts again with the options, before those that were given, and with the variables that are not set', () => {
  const started: unknown[][] = []
  const execve = (...given: unknown[]): never => {
    started.push(given)
    throw new Error('replaced')
  }
  expect(() => startWithOptions({ ...own, execve })).toThrow('replaced')
  const args = [execPath, ...nodeOptions, '--import=x', '/main.js', 'run']
  expect(started).toEqual([[execPath, args, { ...mallocVariables, MALLOC_ARENA_MAX: '2' }]])
})

test('does not start again with the options', () => {
  expect(startWithOptions({ ...own, execArgv: [...nodeOptions, '--import=x'] })).toBeUndefined()
})

test('goes on without the options, and says why, if this Node does not know one or cannot replace its process', () => {
  const execve = () => expect.unreachable()
  expect(startWithOptions({ ...own, execPath: '/bin/false', execve })).toMatch(/^this Node does not know all of --/)
  expect(startWithOptions(own)).toBe('this Node cannot replace its process')
})
