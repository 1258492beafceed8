import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly permissions?: Readonly<Record<string, string>>
        readonly 'timeout-minutes'?: number
        readonly steps: readonly { readonly uses?: string; readonly run?: string }[]
      }
    >
  >
}

const folder = new URL('../../.github/workflows/', import.meta.url)
const text = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const workflow = (name: string) => parse(text(name)) as Workflow
const steps = (name: string) => Object.values(workflow(name).jobs).flatMap((job) => job.steps)
const commands = (name: string) => steps(name).flatMap(({ run }) => (run === undefined ? [] : [run]))

describe.each(readdirSync(folder))('the workflow %s', (name) => {
  test('takes every action by the hash of its commit, with the version beside it', () => {
    const uses = text(name).match(/(?<=uses: ).*/g) ?? []
    expect(uses.length).toBe(steps(name).filter(({ uses }) => uses !== undefined).length)
    for (const use of uses) expect(use).toMatch(/^actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  test('may read, and no more but for what a job says', () => {
    expect(workflow(name).permissions).toEqual({ contents: 'read' })
    for (const { permissions = {} } of Object.values(workflow(name).jobs)) {
      expect(Object.keys(permissions).filter((one) => !['contents', 'packages'].includes(one))).toEqual([])
    }
  })

  test('ends at some time, and puts nothing of an event into a command but by variables', () => {
    for (const job of Object.values(workflow(name).jobs)) expect(job['timeout-minutes']).toBeLessThanOrEqual(90)
    for (const command of commands(name)) expect(command).not.toContain('${{')
  })
})

test('the workflow of every change calls .ci/run and nothing else', () => {
  expect(commands('ci.yml')).toEqual(['sudo env "PATH=$PATH" CI=true .ci/run'])
})

test('the workflow of a tag calls the release script, with the tag, and hands on what that made', () => {
  expect(workflow('release.yml').on).toEqual({ push: { tags: ['v*'] } })
  const [provision, login, release, hand] = commands('release.yml')
  expect(provision).toMatch(/scripts\/provision\.sh image$/)
  expect(login).toMatch(/podman login .* --password-stdin <<<"\$TOKEN"$/)
  expect(release).toMatch(/make release RELEASE="--tag \$GITHUB_REF_NAME --push \$\{REGISTRY,,\}"$/)
  expect(hand).toMatch(/^gh release create .* --notes-file dist\/release\/RELEASE-NOTES\.md dist\/release\/\*$/)
  expect(commands('release.yml')).toHaveLength(4)
})
