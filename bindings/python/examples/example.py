#!/usr/bin/env python3
"""Uses a store from Python: example.py DIRECTORY [DEVICE]"""

import sys

import rawkv


def main(directory, device=None):
    rawkv.format_store(directory, device=device, capacity="64MiB")
    with rawkv.open_store(directory) as store:
        store.put("greeting", b"hello")

        # Several changes as one version.
        image = bytes(range(256)) * 400
        with rawkv.Batch() as batch:
            batch.put("image", image, borrow=True)
            batch.put("greeting", b"ignored", if_absent=True)
            result = store.commit(batch)
        print(f"version {result.version}, {len(result.existed)} key existed")

        # Into memory of the program.
        out = bytearray(len(image))
        print(f"image: {store.get_into('image', out)} bytes, equal: {out == image}")
        print("keys:", [key.decode() for key in store.keys(reverse=True)])

        # An older version stays readable, and can become the newest one again.
        store.delete("greeting")
        with store.view(2) as view:
            print("in version 2:", view.get("greeting"), "now:", store.get("greeting"))
        store.rollback(2)
        print("after the rollback:", store.get("greeting"))

        # Without a thread that waits.
        with store.session() as session:
            session.submit_get(["image", "missing"], [out, bytearray(1)])
            session.wait()
            for completion in session.drain():
                print("session:", [(answer.ok, answer.size) for answer in completion.answers])


if __name__ == "__main__":
    main(*sys.argv[1:])
