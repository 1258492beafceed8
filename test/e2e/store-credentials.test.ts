import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startConnector } from '../support/connector-process.ts'
import { type Script, scriptedServer } from '../support/servers/scripted-http.ts'

// The build leaves out what of the AWS SDK is not in use: each way to credentials must still be there.

const folder = mkdtempSync(join(tmpdir(), 'store-credentials-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function stored(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const role = 'arn:aws:iam::123456789012:role/connector'
const token = stored('token', 'a token')
const profiles = stored(
  'credentials',
  `[default]
aws_access_key_id=OF-THE-PROFILE
aws_secret_access_key=secret
[with-role]
role_arn=${role}
source_profile=default
`,
)
const expiration = new Date(Date.now() + 3_600_000).toISOString()

const ID = 'AccessKeyId'
const SECRET = 'SecretAccessKey'
const asJson = (key: string) =>
  JSON.stringify({ [ID]: key, [SECRET]: 'secret', Token: 'token', Expiration: expiration, Code: 'Success' })
const ofMachine = '/latest/meta-data/iam/security-credentials/'
const documents: Readonly<Record<string, string>> = {
  '/pod': asJson('OF-THE-POD'),
  '/latest/api/token': 'a token',
  [ofMachine]: 'connector',
  [`${ofMachine}connector`]: asJson('OF-THE-MACHINE'),
}

/** What credentials come from: a pod, a machine, and the security token service; and a bucket that refuses. */
const aws: Script = ({ body, url: { pathname } }, response) => {
  const document = documents[pathname]
  if (document !== undefined) return void response.setHeader('content-type', 'application/json').end(document)
  const action = new URLSearchParams(body).get('Action')
  if (action === null) return void response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>')
  response
    .setHeader('content-type', 'text/xml')
    .end(
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>` +
        `<${ID}>OF-THE-ROLE</${ID}><${SECRET}>secret</${SECRET}><SessionToken>token</SessionToken>` +
        `<Expiration>${expiration}</Expiration></Credentials></${action}Result></${action}Response>`,
    )
}

test.each<[from: string, key: string, variables: Record<string, string>]>([
  ['variables', 'OF-VARIABLES', { AWS_ACCESS_KEY_ID: 'OF-VARIABLES', AWS_SECRET_ACCESS_KEY: 'secret' }],
  ['a service account of Kubernetes', 'OF-THE-ROLE', { AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: role }],
  ['the endpoint of a pod or a container', 'OF-THE-POD', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'SERVER/pod' }],
  ['the metadata of a machine', 'OF-THE-MACHINE', { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'SERVER' }],
  ['a profile', 'OF-THE-PROFILE', { AWS_SHARED_CREDENTIALS_FILE: profiles }],
  ['a role of a profile', 'OF-THE-ROLE', { AWS_SHARED_CREDENTIALS_FILE: profiles, AWS_PROFILE: 'with-role' }],
])('the checkpoint store is asked with the credentials of %s', async (_, key, variables) => {
  await using server = await scriptedServer(aws)
  const given = Object.entries(variables).map(([name, value]) => [name, value.replace('SERVER', server.url)])
  const command = startConnector(['checkpoint', 'show'], {
    CONNECTOR_ID: 'shop',
    STREAM_NAME: 'clients',
    POLARIS_URL: 'https://polaris.example',
    POLARIS_CODE_MAGASIN: '1',
    KAFKA_BROKERS: 'kafka.example:9092',
    CHECKPOINT_URL: 's3://bucket/checkpoints',
    AWS_ENDPOINT_URL: server.url,
    AWS_REGION: 'eu-west-3',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    ...Object.fromEntries(given),
  })
  expect(await command.exitCode()).not.toBe(0)
  expect(command.output()).toContain('storage.refused')
  const asked = server.calls.filter(({ url }) => url.pathname.startsWith('/bucket/'))
  expect(asked.map(({ headers }) => /Credential=([^/]+)/.exec(headers.authorization ?? '')?.[1])).toContain(key)
})
