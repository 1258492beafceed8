import { it } from 'vitest'
import { needContainers } from '../support/containers/connector-container.ts'
import { freshMachine } from '../support/containers/fresh-machine.ts'

needContainers()

const long = { timeout: 600_000 }

const demoUntilEvent = `
  grep --max-count 1 --extended-regexp 'client [0-9]+ .*partition [0-9]+ offset [0-9]+' <(timeout 540 make demo 2>&1 | tee /tmp/demo.log) ||
    { cat /tmp/demo.log; exit 1; }`

it.concurrent('make demo installs its requirements and shows events on a bare Debian', long, async (context) => {
  const bash = await freshMachine(context)
  await bash(demoUntilEvent)
})

it.concurrent(
  'scripts/provision.sh test installs the requirements of the tests on a bare Debian',
  long,
  async (context) => {
    const bash = await freshMachine(context)
    await bash('scripts/provision.sh test')
    context.expect(await bash('scripts/provision.sh test')).toBe('')
    context.expect(await bash('.cache/chromium/chromium --version')).toMatch(/^Chromium \d/)
    const startKafkaAndS3 = 'npx vitest run --project contract test/contract/servers/s3-server.test.ts'
    await bash(`PATH=$PWD/.cache/bin:$PATH ${startKafkaAndS3}`)
  },
)

it.concurrent('scripts/provision.sh prints in one line what to install when it may not install', async (context) => {
  const bash = await freshMachine(context)
  await bash('chmod a+w .')
  const asNobody = `su --shell /bin/bash nobody --command 'XDG_CACHE_HOME=/tmp/cache scripts/provision.sh test'`
  context
    .expect(await bash(`${asNobody} 2>&1; echo "exit code $?"`))
    .toBe(
      'provision: install Go or Python with its venv module, npm, java, mvn, then try again ' +
        '(Debian: apt-get install python3-venv npm default-jre-headless maven)\nexit code 1\n',
    )
})
