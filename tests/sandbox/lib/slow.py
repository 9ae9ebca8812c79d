"""A resolver that takes its time: hands every question to Unbound and holds each answer back.

usage: slow.py SECONDS
"""

import asyncio
import struct
import sys

ADDRESS = "127.0.0.1"
UNBOUND_PORT = 5300                     # unbound-slow.conf


class Relay(asyncio.DatagramProtocol):
    """Takes questions, or the one answer to a question."""

    def __init__(self, take):
        self.take = take

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.take(self, data, address)


async def ask_tcp(question):
    reader, writer = await asyncio.open_connection(ADDRESS, UNBOUND_PORT)
    writer.write(struct.pack("!H", len(question)) + question)
    length = await reader.readexactly(2)
    answer = length + await reader.readexactly(struct.unpack("!H", length)[0])
    writer.close()
    return answer


async def answer_tcp(writer, question, delay):
    answer, _ = await asyncio.gather(ask_tcp(question), asyncio.sleep(delay))
    if not writer.is_closing():
        writer.write(answer)


async def serve_tcp(reader, writer, delay):
    tasks = set()
    try:
        while True:
            length = struct.unpack("!H", await reader.readexactly(2))[0]
            task = asyncio.create_task(answer_tcp(writer, await reader.readexactly(length), delay))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def answer_udp(server, question, client, delay):
    loop = asyncio.get_running_loop()
    answered = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Relay(lambda _, data, __: answered.done() or answered.set_result(data)),
        remote_addr=(ADDRESS, UNBOUND_PORT))
    transport.sendto(question)
    answer, _ = await asyncio.gather(answered, asyncio.sleep(delay))
    transport.close()
    server.transport.sendto(answer, client)


async def main():
    delay = float(sys.argv[1])
    tasks = set()

    def take(server, question, client):
        task = asyncio.create_task(answer_udp(server, question, client, delay))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Relay(take), local_addr=(ADDRESS, 53))
    server = await asyncio.start_server(lambda r, w: serve_tcp(r, w, delay), ADDRESS, 53)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
