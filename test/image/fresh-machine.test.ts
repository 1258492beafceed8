import { test } from 'vitest'
import { needContainers } from '../support/containers/connector-container.ts'
import { freshMachine } from '../support/containers/fresh-machine.ts'

// A container with a bare Debian runs what the pages say.

needContainers()

const demoUntilEvent = `
  grep --max-count 1 --extended-regexp 'client [0-9]+ .*partition [0-9]+ offset [0-9]+' <(timeout 540 make demo 2>&1 | tee /tmp/demo.log) ||
    { cat /tmp/demo.log; exit 1; }`

test('on a bare Debian, says what is missing, then shows the demo and runs tests', {
  timeout: 900_000,
}, async (context) => {
  const bash = await freshMachine(context)
  await bash('chmod a+w .')
  const asNobody = `su --shell /bin/bash nobody --command 'XDG_CACHE_HOME=/tmp/cache scripts/provision.sh test'`
  context
    .expect(await bash(`${asNobody} 2>&1; echo "exit code $?"`))
    .toBe(
      'provision: install Python with its venv module, javac, npm, java, mvn, then try again ' +
        '(Debian: apt-get install python3-venv default-jdk-headless npm default-jre-headless maven)\nexit code 1\n',
    )
  await bash('rm -rf .cache')
  await bash(demoUntilEvent)
  await bash('scripts/provision.sh test')
  context.expect(await bash('scripts/provision.sh test')).toBe('')
  context.expect(await bash('.cache/chromium/chromium --version')).toMatch(/^Chromium \d/)
  // Kafka, the S3 server, Java and Python
  const files = 'test/contract/storage/versioned-object.test.ts test/contract/consumers.test.ts'
  await bash(`PATH=$PWD/.cache/bin:$PATH npx vitest run --project contract ${files}`)
})
