internal import Logging

extension IMAPClient {
    /// Waits until the server announces something (RFC 2177), the time is over or the task is cancelled; then ends the wait with DONE, so
    /// the next command can follow. Without IDLE it waits and asks once.
    ///
    /// - Returns: True when the mailbox has changed. False after cancellation, which is no error here.
    public func idle(atMost: Duration) async throws -> Bool {
        if hasNews {
            hasNews = false
            return true
        }
        guard capabilities.contains("IDLE") else {
            try? await Task.sleep(for: atMost)
            return Task.isCancelled ? false : try await noop()
        }
        do { try await begin() } catch is CancellationError { return false }
        defer { end() }
        let deadline = ContinuousClock.now + atMost
        let running = try await start("IDLE", "")
        var isAccepted = false
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            switch try await event(running, until: isAccepted ? max(.zero, left) : nil) {
            case .accepted: isAccepted = true
            case .nothing: break
            case .news:
                guard isAccepted else { continue }
                try await done(running)
                // What came until then, the caller finds anyway.
                hasNews = false
                return true
            case .ended: return false
            case .over:
                try await done(running)
                defer { hasNews = false }
                return hasNews
            }
        }
    }

    private enum Event { case accepted, nothing, news, ended, over }

    /// Without a limit the server still owes us the word that it idles.
    private func event(_ running: Running, until limit: Duration?) async throws -> Event {
        while true {
            do {
                if let parts = try framer.next() { return try classify(try IMAPResponse(parts), running) }
                let bytes = try await line.receive(timeout: limit ?? Self.answerTimeout)
                guard !bytes.isEmpty else {
                    throw TransportError.connectionLost(host: line.host, reason: "the server closed it during IDLE")
                }
                framer.feed(bytes)
            } catch is CancellationError {
                return .over
            } catch TransportError.timedOut where limit != nil {
                return .over
            } catch TransportError.commandRefused(let host, let command, let reply) {
                throw TransportError.commandRefused(host: host, command: command, reply: reply)
            } catch let error as IMAPSyntaxError {
                throw breakOff(TransportError.unexpectedAnswer(host: line.host, reason: "to IDLE, \(error.reason)"))
            } catch {
                throw breakOff(error)
            }
        }
    }

    private func classify(_ response: IMAPResponse, _ running: Running) throws -> Event {
        switch response {
        case .continuation: return .accepted
        case .data(.some, let name, _): return ["EXISTS", "RECENT", "EXPUNGE", "FETCH"].contains(name) ? .news : .nothing
        case .data(nil, let name, _): return name == "VANISHED" ? .news : .nothing
        case .status(nil, "BYE", let code, let text): throw goodbye(code, text)
        case .status(nil, _, _, _): return .nothing
        case .status(_, "OK", _, _): return .ended
        case .status(_, let word, let code, let text): throw refused("IDLE", word, code, text)
        }
    }

    /// In a task of its own, because ours may be cancelled already and the dialogue must still end cleanly.
    private func done(_ running: Running) async throws {
        let host = line.host
        let finish = Task {
            do {
                try await line.send(Array("DONE\r\n".utf8))
                let deadline = ContinuousClock.now + Self.farewellTimeout
                let last = Running(tag: running.tag, name: "IDLE", answerTimeout: Self.farewellTimeout, deadline: deadline)
                while try await response(to: last) != nil {}
            } catch { throw breakOff(error) }
        }
        do { try await finish.value } catch {
            logger.debug("IDLE did not end cleanly.", metadata: ["host": "\(host)", "error": "\(error)"])
            if !Task.isCancelled { throw error }
        }
    }
}
