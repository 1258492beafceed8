import { expect, test } from 'vitest'
import { commandList } from '../../../connector/commands/command-list.ts'
import { fits, mustFit, outputSchema } from '../../support/documentation/output-schema.ts'
import { statusScene } from '../../support/page/status-scene.ts'
import { typed } from '../../support/typed-command.ts'
import { leastFile } from '../config/config-sources.ts'

// Every test that starts the connector compares what it prints with docs/outputs.schema.json, too.

test('each command with --json is described', () => {
  const names = commandList.flatMap(({ name, options }) => ('json' in options ? [name.replace(' ', '-')] : []))
  expect(Object.keys(outputSchema.$defs)).toEqual(expect.arrayContaining(['status', ...names]))
})

test('a field that is not described is refused, wherever it is', () => {
  const open: unknown[] = []
  JSON.stringify(outputSchema, (_, node) => {
    if (node?.properties !== undefined && node.additionalProperties !== false) open.push(Object.keys(node.properties))
    return node
  })
  expect(open).toEqual([['$schema', 'title']]) // the JSON Schema that preview prints
  const { streams, ...status } = JSON.parse(JSON.stringify(statusScene('everyday').status()))
  expect(fits('status', { ...status, streams })).toBe(true)
  expect(fits('status', { ...status, streams, more: 1 })).toBe(false)
  expect(fits('status', { ...status, streams: [{ ...streams[0], more: 1 }] })).toBe(false)
})

test.each(['', 'htpp: {}'])('lint prints what is described: %j', async (mistake) => {
  const { output } = await typed({ command: 'lint --json', yaml: `${leastFile}${mistake}` })
  expect(mustFit('lint', output)).not.toBe('')
})
