import { readFileSync, writeFileSync } from 'node:fs'
import { startVitest } from 'vitest/node'
import { helm, helmVersions } from '../test/support/helm.ts'
import { withSection } from './generate/chart-readme.ts'

// usage: node cluster-test.ts: runs the `cluster` lane and writes its result to the README of the chart.
const startedAt = new Date()
const vitest = await startVitest('test', [], { project: ['cluster'], watch: false })
const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()])
const passed = tests.filter((test) => test.result().state === 'passed')
const isGood = tests.length > 0 && passed.length === tests.length && vitest.state.getUnhandledErrors().length === 0
if (isGood) {
  const readme = new URL('../helm/README.md', import.meta.url)
  writeFileSync(readme, withSection(readFileSync(readme, 'utf8'), 'cluster-test', report()))
} else {
  process.exitCode = 1
}
await vitest.exit()

function report(): string {
  const helms = helmVersions.map((version) => helm(version, ['version', '--template', '{{.Version}}'])).join(' and ')
  const kubernetes = /kubernetes_version=(\S+)/.exec(readFileSync('scripts/provision/cluster-tools.sh', 'utf8'))?.[1]
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000)
  const date = startedAt.toISOString().slice(0, 10)
  return [
    `${date}: Kubernetes ${kubernetes}, Helm ${helms}; ${passed.length} tests passed in ${seconds} s.`,
    '',
    ...passed.map((test) => `- ${test.fullName.split(' > ').slice(1).join(': ')}`),
  ].join('\n')
}
