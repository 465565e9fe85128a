"""The link to the broker, by paho-mqtt 1.6 or 2, and what waits to be said over it.

Every connection is a new client with a clean session: nothing is carried over
from one to the next, neither subscriptions, which are made again, nor messages
on their way, which are said again.
"""
import collections
import logging
import random
import ssl
import threading
import time
import urllib.parse

import paho.mqtt.client as paho

from .errors import Misuse

log = logging.getLogger("athanor.device")

KEEPALIVE_S = 10
LETTERS = 4096  # that wait; the oldest are dropped, a resend brings them back
BATCHES = 256  # of telemetry that wait; the oldest are dropped
STATE_EVERY_S = 0.1
PUBLISH_S = 10


def new_client(client_id):
    """A client that never connects again by itself, in either version of paho."""
    args = {"client_id": client_id, "clean_session": True, "reconnect_on_failure": False}
    if hasattr(paho, "CallbackAPIVersion"):  # paho-mqtt 2
        return paho.Client(paho.CallbackAPIVersion.VERSION2, **args)
    return paho.Client(**args)


def _refused(code):
    """Whether a broker's answer is a refusal: a number in paho 1, a ReasonCode in paho 2."""
    return getattr(code, "value", code) >= 128


def _taken(info):
    """Whether the broker has taken a message; paho raises when it never will."""
    try:
        return info.is_published()
    except (ValueError, RuntimeError):
        return False


class Broker:
    """Where the broker is: mqtt://[user:password@]host[:1883] or mqtts://host[:8883]."""

    def __init__(self, url, tls=None):
        u = urllib.parse.urlsplit(url)
        secure = u.scheme in ("mqtts", "ssl", "tls")
        if not u.hostname or not (secure or u.scheme in ("mqtt", "tcp")):
            raise Misuse(f"broker URL {url!r} is not of the form mqtt://host:1883 or mqtts://host:8883")
        self.host, self.port = u.hostname, u.port or (8883 if secure else 1883)
        self.user, self.password = u.username and urllib.parse.unquote(u.username), u.password and urllib.parse.unquote(u.password)
        self.tls = (tls or ssl.create_default_context()) if secure else None


class Link:
    """Keeps a link to the broker, and says things over it in order.

    device.receive(message) is called for each message, one after the other;
    events wait while there is no link, and a state is made when it can be sent.
    """

    def __init__(self, broker, client_id, filters, will, device):
        self._broker, self._client_id, self._filters, self._will, self._device = broker, client_id, filters, will, device
        self._cond = threading.Condition()
        self._events = collections.deque(maxlen=LETTERS)  # (topic, payload)
        self._client = None  # while the link is up
        self._hello, self._online, self._dirty, self._closing = False, False, True, False
        self._alarms, self._tm = set(), collections.deque(maxlen=BATCHES)  # codes; (topic, payload)
        self._said = -1e9  # when the last state was
        self._threads = [threading.Thread(target=f, name=f"athanor-{f.__name__}", daemon=True) for f in (self._keep, self._talk)]

    def start(self):
        for t in self._threads:
            t.start()

    def push(self, topic, payload):
        """Adds an event."""
        with self._cond:
            self._events.append((topic, payload))
            self._dirty = True
            self._cond.notify_all()

    def changed(self):
        """Asks for a new state."""
        with self._cond:
            self._dirty = True
            self._cond.notify_all()

    def alarm(self, code):
        """Asks for what stands of an alarm to be said."""
        with self._cond:
            self._alarms.add(code)
            self._dirty = True
            self._cond.notify_all()

    def telemetry(self, topic, payload):
        """Adds a batch, which is said once or never."""
        with self._cond:
            self._tm.append((topic, payload))
            self._cond.notify_all()

    def aside(self, topic, payload):
        """Says a message beside all that waits, and returns whether the broker has taken it."""
        client = self._client
        return client is not None and not self._closing and self._publish(client, [(topic, payload, 1, False)])

    def say_online(self):
        """Asks for the birth to be said again."""
        with self._cond:
            self._online = True
            self._cond.notify_all()

    def _keep(self):
        while not self._closing:
            try:
                self._session()
            except (OSError, ValueError) as err:  # refused, unreachable, no such name, TLS
                log.warning("broker not reached; trying again: %s", err)
            with self._cond:
                self._cond.wait_for(lambda: self._closing, 0.5 + random.random() / 2)

    def _session(self):
        """One connection, until it is lost."""
        client, lost, ready = new_client(self._client_id), threading.Event(), threading.Event()
        waiting = {}  # subscriptions by message id

        def on_connect(c, _userdata, _flags, code, *_):
            if getattr(code, "value", code) != 0:
                log.warning("the broker refused the device: %s", code)
                lost.set()
                return
            subscribe(iter(self._filters))

        def subscribe(rest):  # one by one, so that what is retained comes in the filters' order
            topic = next(rest, None)
            if topic is None:
                ready.set()
                return
            _, mid = client.subscribe(topic, 1)
            waiting[mid] = topic, rest

        def on_subscribe(_c, _userdata, mid, codes, *_):
            topic, rest = waiting.pop(mid)
            if any(_refused(c) for c in codes):
                log.error("the broker does not allow subscribing to %s", topic)
                client.disconnect()
                return
            subscribe(rest)

        client.on_connect, client.on_subscribe = on_connect, on_subscribe
        client.on_disconnect = lambda *_: lost.set()
        client.on_message = lambda _c, _userdata, m: self._device.receive(m)
        client.will_set(self._will[0], self._will[1], 1, True)
        if self._broker.user:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set_context(self._broker.tls)
        client.connect(self._broker.host, self._broker.port, KEEPALIVE_S)
        client.loop_start()
        try:
            until = time.monotonic() + 2 * KEEPALIVE_S
            while not (lost.wait(0.005) or ready.is_set() or time.monotonic() > until or self._closing):
                pass
            if ready.is_set() and not lost.is_set():
                with self._cond:
                    self._client, self._hello, self._dirty = client, True, True
                    self._cond.notify_all()
                lost.wait()
        finally:
            with self._cond:
                self._client = None
                self._cond.notify_all()
            client.disconnect()
            client.loop_stop()
        if not self._closing:
            log.warning("the link to the broker is lost; taking it again")

    def _talk(self):
        while not self._closing:
            with self._cond:
                while not self._due():  # each news may make the wait shorter
                    self._cond.wait(self._wait_s())
                if self._closing:
                    return
                client, hello, online = self._client, self._hello, self._online
                state = hello or self._state_due()
                events, codes, batches = list(self._events), set(self._alarms), list(self._tm)
                self._events.clear()
                self._alarms.clear()
                self._tm.clear()
                self._hello = self._online = False
                if state:
                    self._dirty, self._said = False, time.monotonic()
            greetings = self._device.greetings() if hello else [self._device.online()] if online else ()
            messages = [(t, p, 1, True) for t, p in greetings]
            messages += [(t, p, 1, False) for t, p in events]
            messages += [(*self._device.alarm_message(c), 1, True) for c in sorted(codes.union(self._device.raised() if hello else ()))]
            messages += [(t, p, 0, False) for t, p in batches]
            if state:
                messages.append((*self._device.snapshot(), 1, True))
            if not self._publish(client, messages):
                with self._cond:
                    self._events.extendleft(reversed(events))
                    self._dirty = True
                    self._alarms |= codes
                    self._hello, self._online = self._hello or hello, self._online or online
                    self._cond.wait(0.2)

    def _due(self):
        return self._closing or self._client and (self._events or self._hello or self._online or self._alarms or self._tm or self._state_due())

    def _state_due(self):
        return time.monotonic() - self._said >= (STATE_EVERY_S if self._dirty else self._device.heartbeat_s())

    def _wait_s(self):
        if not self._client:
            return None
        every = STATE_EVERY_S if self._dirty else self._device.heartbeat_s()
        return max(0.001, every - (time.monotonic() - self._said))

    def _publish(self, client, messages):
        """Says messages in order and returns whether the broker has taken them all."""
        infos = [client.publish(*m) for m in messages]
        until = time.monotonic() + PUBLISH_S
        for info in infos:
            # Not wait_for_publish: it does not notice that the link is lost.
            while not _taken(info):
                if self._client is not client or info.rc not in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_AGAIN) or time.monotonic() > until:
                    return False
                time.sleep(0.001)
        return True

    def close(self, farewell):
        """Says what is left and the farewell, and ends the link in order."""
        with self._cond:
            self._closing = True
            self._cond.notify_all()
        self._threads[1].join(PUBLISH_S + 1)
        client = self._client
        if client:
            infos = [client.publish(t, p, 1, False) for t, p in self._events] + [client.publish(t, p, 1, True) for t, p in farewell]
            until = time.monotonic() + 2
            while not all(map(_taken, infos)) and time.monotonic() < until:
                time.sleep(0.002)
            client.disconnect()
        self._threads[0].join(3)
