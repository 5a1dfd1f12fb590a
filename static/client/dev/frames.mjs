// `npm run frames`: the types of all frames, from docs/asyncapi.yaml, which is made from the types of the server.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const DOCUMENT = fileURLToPath(new URL('../../../docs/asyncapi.yaml', import.meta.url));
export const TARGET = fileURLToPath(new URL('../src/frames.ts', import.meta.url));

/** Names that mean something else in TypeScript, or here. */
const NAMES = { Error: 'WireError', Entry: 'AnyEntry' };
const typeName = (name) => NAMES[name] ?? name.split(/[._-]/).map((part) => part[0].toUpperCase() + part.slice(1)).join('');
const key = (name) => (/^[a-z_]\w*$/i.test(name) ? name : `'${name}'`);
const comment = (schema, indent) => (schema.description ? `${indent}/** ${schema.description.replaceAll('\n', ' ').replaceAll('*/', '* /')} */\n` : '');
const literal = (value) => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value));
const KINDS = { integer: 'number', number: 'number', string: 'string', boolean: 'boolean', null: 'null' };

/** The TypeScript type of a schema. */
function type(schema, indent) {
  if (schema === true) return 'unknown';
  if (schema.$ref) return typeName(schema.$ref.split('/').at(-1));
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum) return schema.enum.map(literal).join(' | ');
  if (schema.allOf) return schema.allOf.map((one) => type(one, indent)).join(' & ');
  const any = schema.anyOf ?? schema.oneOf;
  if (any) return any.filter(({ $ref }) => !$ref?.includes('.bench.')).map((one) => type(one, indent)).join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((one) => type({ ...schema, type: one }, indent)).join(' | ');
  if (schema.type === 'array') {
    const item = type(schema.items ?? true, indent);
    return /[ |&]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type === 'object' || schema.properties) return object(schema, indent);
  return KINDS[schema.type] ?? 'unknown';
}

function object(schema, indent) {
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) {
    const rest = schema.additionalProperties;
    return `Record<string, ${rest === undefined || rest === true ? 'unknown' : rest === false ? 'never' : type(rest, indent)}>`;
  }
  const inner = `${indent}  `;
  const needed = new Set(schema.required ?? []);
  const fields = properties.map(([name, one]) => `${comment(one, inner)}${inner}${key(name)}${needed.has(name) ? '' : '?'}: ${type(one, inner)};\n`);
  const open = schema.additionalProperties === true ? `${inner}[field: string]: unknown;\n` : '';
  return `{\n${fields.join('')}${open}${indent}}`;
}

/** The text of `frames.ts`. */
export function frames() {
  const { components, info } = parse(readFileSync(DOCUMENT, 'utf8'));
  const { schemas, messages } = components;
  const about = (name) => comment(messages[name] ?? schemas[name], '');
  let out = '/** The types of all frames. Made by `npm run frames` from docs/asyncapi.yaml, which the server makes of its own types. Do not edit. */\n';
  const commands = [];
  const pushes = new Map();
  for (const [name, schema] of Object.entries(schemas)) {
    if (name.startsWith('command.') || name.startsWith('reply.') || name.includes('.bench.')) continue;
    const said = schema.properties?.push?.const;
    if (said) pushes.set(said, [...(pushes.get(said) ?? []), typeName(name)]);
    const text = type(schema, '');
    out += `\n${about(name)}export ${text.startsWith('{') ? `interface ${typeName(name)} ${text}` : `type ${typeName(name)} = ${text};`}\n`;
  }
  for (const name of Object.keys(schemas).filter((one) => one.startsWith('command.'))) {
    const method = name.slice('command.'.length);
    const p = type(schemas[name].properties.p, '    ');
    const ok = type(schemas[`reply.${method}`].properties.ok, '    ');
    commands.push(`${comment(messages[name], '  ')}  ${key(method)}: {\n    p: ${p};\n    ok: ${ok};\n  };\n`);
  }
  out += `\n/** Every command: its parameters and its answer. */\nexport interface Commands {\n${commands.join('')}}\n`;
  out += `\n/** Every push by its name. */\nexport interface Pushes {\n${[...pushes].map(([name, types]) => `  ${key(name)}: ${types.join(' | ')};\n`).join('')}}\n`;
  const rows = (list) => list.map(({ code, name }) => `  ${name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())}: ${code},\n`).join('');
  out += `\n/** The codes of refused commands. */\nexport const ErrorCode = {\n${rows(info['x-errors'])}} as const;\n`;
  out += `\n/** The close codes. 4000 to 4499: come back; 4500 to 4999: do not. */\nexport const CloseCode = {\n${rows(info['x-close-codes'])}} as const;\n`;
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, frames());
