import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

// A process loads the command `run`, and says which modules it has loaded.

const run = new URL('../../../connector/commands/run.ts', import.meta.url).href
/** Prints the address of each module that is loaded. */
const program = `
  import { registerHooks } from 'node:module'
  registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) })
  await import(${JSON.stringify(run)})
`

test('loads nothing for run that only other commands or rare answers need', () => {
  const args = ['--no-warnings', '--input-type=module', '--eval', program]
  const loaded = execFileSync(process.execPath, args, { encoding: 'utf8' }).split('\n')
  expect(loaded.some((url) => url.endsWith('connector/stream/run-stream.ts'))).toBe(true)
  const unwanted =
    /\/node_modules\/(?:tough-cookie|tldts|fast-xml-parser|undici\/index\.js|undici\/lib\/(?:mock|web))|\/connector\/inspect\/(?:doctor|preview|audit)\//
  expect(loaded.filter((url) => unwanted.test(url))).toEqual([])
})
