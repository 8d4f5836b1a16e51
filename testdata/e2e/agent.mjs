// What the drivers of the TypeScript clients share: the words on their command
// line, and the answers to what a server asks of its client.
//
//   node ts-v1.mjs '{"calls":[{"name":"echo","arguments":{}}]}' COMMAND [ARG…]
//
// They print one JSON object: what the client saw.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const installed = createRequire(join(process.env.SALLYPORT_E2E_DIR, 'package.json'));

/** Imports a module from where the tests' software is installed. */
export const load = name => import(pathToFileURL(installed.resolve(name)).href);

/** The plan of the test and the server's command. */
export function words() {
  const [plan, command, ...args] = process.argv.slice(2);
  return { plan: JSON.parse(plan), command, args };
}

/** What the client declares: a plan whose "elicit" is "none" cannot be asked. */
export const capabilities = plan => ({ sampling: {}, roots: {}, ...(plan.elicit === 'none' ? {} : { elicitation: {} }) });

/** How often, and with what text, the client was asked. */
export const asked = [];

/** Answers a form as the plan says: by default as a willing person would. */
export async function elicit(plan, params) {
  asked.push(params.message);
  switch (plan.elicit) {
    case 'decline': case 'cancel': return { action: plan.elicit };
    case 'bare': return { action: 'accept' };
    case 'silence': return new Promise(() => {});
    case 'vanish': process.kill(process.pid, 'SIGKILL');
  }
  return accept(params);
}

function accept({ requestedSchema = {} }) {
  const value = s => s.default ?? s.enum?.[0] ?? s.oneOf?.[0]?.const ?? { boolean: true, integer: s.minimum ?? 1, number: s.minimum ?? 1, array: [] }[s.type] ?? 'someone@example.com';
  const wanted = Object.entries(requestedSchema.properties ?? {}).filter(([name]) => requestedSchema.required?.includes(name));
  return { action: 'accept', content: Object.fromEntries(wanted.map(([name, s]) => [name, value(s)])) };
}

export const sample = () => ({ role: 'assistant', model: 'none', content: { type: 'text', text: 'sampled by the driver' } });

export const roots = () => ({ roots: [{ uri: 'file:///srv/driver', name: 'driver' }] });

/** Lists, calls what the plan says, prints what was seen, and leaves. */
export async function play(client, plan, seen) {
  const tools = [];
  for (let cursor; ;) {
    const page = await client.listTools(cursor ? { cursor } : undefined);
    tools.push(...page.tools.map(t => t.name));
    if (!(cursor = page.nextCursor)) break;
  }
  const calls = [];
  for (const { name, arguments: args } of plan.calls) {
    try {
      const result = await client.callTool({ name, arguments: args });
      calls.push({ name, isError: result.isError === true, text: (result.content ?? []).map(c => c.text ?? c.type).join('\n') });
    } catch (e) {
      calls.push({ name, isError: true, text: `${e.code}: ${e.message}` });
    }
  }
  const told = seen();
  await client.close();
  process.stdout.write(JSON.stringify({ ...told, tools, calls, asked }) + '\n');
  process.exit(0); // a person who says nothing may still be thinking
}
