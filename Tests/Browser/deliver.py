#!/usr/bin/env python3
"""Delivers one mail to Dovecot by LMTP: deliver.py PORT SUBJECT [FROM]. Returns when the server has it."""
import smtplib
import sys
import time

port, subject = int(sys.argv[1]), sys.argv[2]
sender = sys.argv[3] if len(sys.argv) > 3 else "eva@customers.test"
raw = (f"From: Eva Lind <{sender}>\r\nTo: support@hongyan.test\r\nSubject: {subject}\r\nMessage-ID: <{time.time_ns()}@customers.test>\r\n"
       "Date: Mon, 02 Mar 2026 08:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nI am very unhappy, nobody answers me.\r\n")
with smtplib.LMTP("127.0.0.1", port) as server:
    server.sendmail(sender, ["support@hongyan.test"], raw.encode())
