"""A device over a real broker, by whichever version of paho is installed. ATHANOR_TEST_MQTT says where the broker is."""
import json
import os
import tempfile
import threading
import unittest

from athanor.device import Device, Misuse, Q
from athanor.device.link import Broker, new_client

BROKER = os.environ.get("ATHANOR_TEST_MQTT", "")


class Urls(unittest.TestCase):
    def test_forms(self):
        b = Broker("mqtt://ann:p%40ss@host")
        self.assertEqual((b.host, b.port, b.user, b.password, b.tls), ("host", 1883, "ann", "p@ss", None))
        self.assertEqual(Broker("mqtts://host").port, 8883)
        for url in ("host:1883", "http://host", "mqtt://"):
            with self.assertRaises(Misuse):
                Broker(url)


@unittest.skipUnless(BROKER, "ATHANOR_TEST_MQTT names no broker")
class Links(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.heard, self.said = threading.Condition(), []
        self.hand = new_client("hand")
        self.hand.on_message = self.take
        host, port = BROKER.rsplit(":", 1)
        self.hand.connect(host, int(port))
        self.hand.loop_start()
        self.hand.subscribe("ldp/1/lab/link/#", 1)
        self.device = Device("link", journal=os.path.join(folder.name, "journal"))

        @self.device.command(recovery="repeat")
        def go(ctx, x: Q("mm", 0, 9)) -> {"x": Q("mm")}:
            return {"x": x}

    def take(self, _client, _userdata, message):
        with self.heard:
            if message.payload:
                self.said.append((message.topic.rsplit("/", 1)[1], json.loads(message.payload)))
            self.heard.notify_all()

    def wait(self, what, ok):
        with self.heard:
            self.assertTrue(self.heard.wait_for(lambda: any(ok(*s) for s in self.said), 10), f"{what} was not said: {self.said}")

    def test_birth_work_and_farewell(self):
        self.device.start("mqtt://" + BROKER)
        self.wait("online", lambda leaf, m: leaf == "conn" and m["state"] == "online")
        self.wait("the first state", lambda leaf, m: leaf == "state")
        self.assertEqual([leaf for leaf, _ in self.said][:3], ["about", "conn", "state"])
        self.hand.publish("ldp/1/lab/link/ctl", json.dumps({"id": "l", "op": "lease", "epoch": 1, "holder": "h", "ttl_s": 60}), 1)
        self.hand.publish("ldp/1/lab/link/cmd", json.dumps({"id": "a", "name": "go", "epoch": 1, "params": {"x": 3}}), 1)
        self.wait("done", lambda leaf, m: leaf == "ev" and m["state"] == "done" and m["result"] == {"x": 3.0})
        self.device.close()
        self.wait("offline", lambda leaf, m: leaf == "conn" and m["state"] == "offline")
        self.hand.disconnect()
        self.hand.loop_stop()
