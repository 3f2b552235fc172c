/**
 * Parts of a text as one gzip file. A part is asked for when the reader has taken what came before, so that one of
 * them is held at a time; null ends the file. A part that fails breaks the file off, and its reader sees that: a
 * gzip file without its end is no gzip file.
 */
export function gzipStream(nextPart: () => Promise<string | null>): ReadableStream {
  const text = new ReadableStream<string>(
    {
      async pull(controller) {
        const part = await nextPart();
        if (part === null) controller.close();
        else controller.enqueue(part);
      },
    },
    { highWaterMark: 0 },
  );
  return text.pipeThrough(new TextEncoderStream()).pipeThrough(new CompressionStream("gzip"));
}
