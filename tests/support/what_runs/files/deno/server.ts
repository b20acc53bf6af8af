Deno.serve({ port: 8080, onListen: () => console.log("up") }, () => new Response(`hello from ${Deno.build.os}`));
