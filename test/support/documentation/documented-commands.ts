import { markdownFiles } from './markdown-file.ts'

/** A command in the documentation. */
export interface DocumentedCommand {
  readonly page: string
  readonly command: string
}

const programs = 'polaris-connector|node|npm|npx|make|docker|podman|helm|kubectl|aws|openssl'
const inline = new RegExp(`\`((?:${programs}) [^\`\\n]+)\``, 'g')

/** How to read the topic of the demo: `test/e2e/commands/demo.test.ts` runs its shell blocks, one after the other. */
export const subscriberPage = 'contract/README.md'

/**
 * All commands in the order of the pages: the lines of shell blocks, and inline code that starts with a program.
 * Skips the decisions and the changelog, which describe the past, and the page for subscribers.
 */
export function documentedCommands(): readonly DocumentedCommand[] {
  const pages = markdownFiles().filter(
    ({ path }) => !/^docs\/decisions\/|^CHANGELOG/.test(path) && path !== subscriberPage,
  )
  return pages.flatMap(({ path: page, text, blocks }) => {
    const fenced = blocks.filter(({ language }) => language === 'sh').flatMap((block) => commandsIn(block.text))
    const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '')
    const inProse = [...prose.matchAll(inline)].map(([, command = '']) => command)
    return [...new Set([...fenced, ...inProse])].map((command) => ({ page, command }))
  })
}

function commandsIn(script: string): string[] {
  const lines = script.replaceAll(/\\\n\s*/g, '').split('\n')
  return lines.map((line) => line.replace(/(^|\s+)#.*$/, '').trim()).filter((line) => line !== '')
}

/** Commands that `test/e2e/commands/documented-commands.test.ts` does not run, and the reason. */
export const leftOut: readonly [RegExp, string][] = [
  [/^npm ci|^npm run build( && npm prune.*)?$|^npm link$/, 'already run before the tests'],
  [/^make (demo|test(-image|-kubernetes)?)$/, 'test/e2e/commands/demo.test.ts runs the demo; the others run the tests'],
  [/^npm run (check|generate)\b/, 'already run on every change'],
  [
    /^npm run (bench|chaos|simulate|plants|model|test:)|^npx vitest run --project (e2e|chart|image)$/,
    'takes too long; runs separately',
  ],
  [/^(docker|podman) /, 'needs the image; test/image runs the image and compose.yaml'],
  [/^(helm|kubectl) /, 'needs a cluster; test/chart tests the chart'],
  [/^kafka-[a-z-]+\.sh /, 'part of the Kafka distribution; the tests have only the broker'],
  [/^openssl rand /, 'prints something else each time'],
  [/^aws /, 'needs the AWS CLI and a real bucket'],
]

/** The connector's own commands; the e2e test runs each of them. */
export const isOurs = ({ command }: DocumentedCommand) =>
  /^(polaris-connector|node dist\/main\.js|npm start)/.test(command) && !isLeftOut(command)

export const isLeftOut = (command: string) => leftOut.some(([pattern]) => pattern.test(command))
