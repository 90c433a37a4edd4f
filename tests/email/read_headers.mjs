// Reads mails, one in Base64 per line, and writes what their headers say, one JSON list per line.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { default: PostalMime } = await import(pathToFileURL(process.argv[2]).href);

for await (const line of createInterface({ input: process.stdin })) {
  const mail = await PostalMime.parse(Buffer.from(line, "base64"));
  const files = mail.attachments.map((file) => file.filename);
  console.log(JSON.stringify([mail.subject ?? "", mail.from?.name ?? "", ...files]));
}
