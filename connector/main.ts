#!/usr/bin/env node
// Must load on any Node since 16: it names an unsupported one before anything that such a Node cannot load.
import { createRequire } from 'node:module'

const { engines } = createRequire(import.meta.url)('../package.json') as { engines: { node: string } }
const oldest = engines.node.replace('>=', '')

if (isOlder(process.versions.node, oldest)) {
  const found = `this is Node ${process.versions.node} (${process.execPath})`
  process.stderr.write(`polaris-connector: Node ${oldest} or newer is required; ${found}\n`)
  process.exitCode = 2
} else {
  const { startWithOptions } = await import('./node-options.ts')
  const why = startWithOptions(process)
  if (why !== undefined)
    process.stderr.write(`polaris-connector: starts without the options that save memory: ${why}\n`)
  await import('./process.ts')
}

function isOlder(version: string, than: string) {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}
