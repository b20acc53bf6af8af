Bun.serve({ port: 8080, fetch: () => new Response(`hello from ${process.platform}`) });
console.log("up");
