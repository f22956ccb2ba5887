internal import CCurl
import Domain
import Glibc
import Logging

/// The loop itself: curl's multi handle, epoll and the transfers. Lives on its own thread and is touched by no other.
final class LoopCore {
    /// One thing the loop does for somebody.
    class Guest {
        let id: Int

        init(guest id: Int) { self.id = id }

        /// Ends it with an error; it is already out of the loop.
        func fail(_ error: any Error) {}
        /// The descriptor it asked to watch is ready.
        func ready(in core: LoopCore) {}
        /// Its deadline has passed.
        func expired(in core: LoopCore) {}
        /// Runs before it leaves the loop, and before its handle leaves the multi handle.
        func leaving(_ core: LoopCore) {}
    }

    /// One that libcurl works on; owns its easy handle.
    class Transfer: Guest {
        let easy: EasyHandle

        init(id: Int) throws {
            easy = try EasyHandle()
            super.init(guest: id)
        }

        /// libcurl is done with the handle, which is no longer in `transfers` unless this puts it back.
        func finished(_ code: CURLcode, in core: LoopCore) {}
    }

    private struct Watch {
        var curl: UInt32 = 0
        var line: UInt32 = 0
        var owner = 0
    }

    private static let eventsMax = 64
    /// Longest sleep, so that a lost wake-up heals itself.
    private static let sleepMaxMilliseconds: Int64 = 60_000

    let logger: Logger
    private let mailbox: LoopMailbox
    private let multi: UnsafeMutableRawPointer
    private let epoll: Int32
    private var transfers: [Int: Guest] = [:]
    private var byHandle: [UnsafeMutableRawPointer: Int] = [:]
    private var watches: [Int32: Watch] = [:]
    private var timers = TimerHeap()
    /// When curl wants to be called without an event; monotonic milliseconds.
    private var curlDeadline: Int64?
    private var stopping: [CheckedContinuation<Void, Never>] = []
    private(set) var isStopped = false
    /// What a call into libcurl began; see `EasyHandle.watchdog`.
    private(set) var enteredAt: Int64 = 0
    /// Shared by all connections: 64 KiB once, not per connection.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

    var openCount: Int { transfers.count }

    /// Starts the thread; it ends after `stop`.
    static func start(mailbox: LoopMailbox, logger: Logger) {
        _ = Self.libcurlIsReady
        let core = LoopCore(mailbox: mailbox, logger: logger)
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<LoopCore>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(core).toOpaque())
        guard failure == 0 else {
            fatalError("cannot start the transfer loop's thread: \(String(cString: strerror(failure)))")
        }
        pthread_detach(thread)
    }

    /// libcurl wants this once, before any handle; a write to a closed socket must not end the process.
    private static let libcurlIsReady: Bool = {
        signal(SIGPIPE, SIG_IGN)
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK else {
            fatalError("libcurl could not be initialised")
        }
        return true
    }()

    private init(mailbox: LoopMailbox, logger: Logger) {
        self.mailbox = mailbox
        self.logger = logger
        guard let multi = curl_multi_init() else {
            fatalError("libcurl could not allocate its multi handle")
        }
        self.multi = multi
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else {
            fatalError("no file descriptor left for the transfer loop; raise LimitNOFILE.")
        }
        _ = loop_watch(epoll, mailbox.doorbell, loop_readable())
        let me = Unmanaged.passUnretained(self).toOpaque()
        ccurl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, me)
        ccurl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, me)
        ccurl_multi_set_socket(multi) { _, socket, what, core, _ in
            if let core {
                Unmanaged<LoopCore>.fromOpaque(core).takeUnretainedValue().curlWants(socket, what)
            }
            return 0
        }
        ccurl_multi_set_timer(multi) { _, milliseconds, core in
            if let core {
                Unmanaged<LoopCore>.fromOpaque(core).takeUnretainedValue().curlWantsCall(in: milliseconds)
            }
            return 0
        }
    }

    deinit {
        curl_multi_cleanup(multi)
        Glibc.close(epoll)
        scratch.deallocate()
    }

    // MARK: The thread

    private func run() {
        loop_name_thread("hy-transfers")
        withUnsafeTemporaryAllocation(of: loop_event.self, capacity: Self.eventsMax) { events in
            while !isStopped {
                let count = loop_wait(epoll, events.baseAddress, Int32(nextWait()))
                for index in 0..<Int(count) { dispatch(events[index].fd, events[index].events) }
                for command in mailbox.takeAll() { command(self) }
                runTimers()
                collectFinished()
            }
        }
        for command in mailbox.close() { command(self) }
        for id in Array(transfers.keys) { remove(id)?.fail(TransportError.shutDown) }
        for waiter in stopping { waiter.resume() }
    }

    func stop(_ waiter: CheckedContinuation<Void, Never>?) {
        isStopped = true
        if let waiter { stopping.append(waiter) }
    }

    private func nextWait() -> Int64 {
        let now = Self.now()
        var wait = Self.sleepMaxMilliseconds
        if let curlDeadline { wait = min(wait, curlDeadline - now) }
        if let first = timers.first { wait = min(wait, first - now) }
        return max(0, wait)
    }

    private func dispatch(_ descriptor: Int32, _ events: UInt32) {
        if descriptor == mailbox.doorbell { return }
        guard let watch = watches[descriptor] else { return }
        if watch.curl != 0 {
            var flags: Int32 = 0
            if events & loop_readable() != 0 { flags |= Int32(CURL_CSELECT_IN) }
            if events & loop_writable() != 0 { flags |= Int32(CURL_CSELECT_OUT) }
            if events & loop_broken() != 0 { flags |= Int32(CURL_CSELECT_ERR) }
            act(descriptor, flags)
        } else {
            transfers[watch.owner]?.ready(in: self)
        }
    }

    private func runTimers() {
        let now = Self.now()
        if let deadline = curlDeadline, deadline <= now {
            curlDeadline = nil
            act(CURL_SOCKET_BAD, 0)
        }
        while let id = timers.popDue(now) { transfers[id]?.expired(in: self) }
    }

    private func act(_ descriptor: Int32, _ flags: Int32) {
        var running: Int32 = 0
        enteredAt = Self.now()
        curl_multi_socket_action(multi, descriptor, flags, &running)
        enteredAt = 0
    }

    private func collectFinished() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle,
                let id = byHandle[handle],
                let transfer = transfers[id] as? Transfer
            else { continue }
            transfer.finished(message.pointee.data.result, in: self)
        }
    }

    // MARK: Transfers

    func add(_ transfer: Transfer) throws {
        transfers[transfer.id] = transfer
        byHandle[transfer.easy.raw] = transfer.id
        transfer.easy.watchdog(self)
        enteredAt = Self.now()
        let code = curl_multi_add_handle(multi, transfer.easy.raw)
        enteredAt = 0
        guard code == CURLM_OK else {
            forget(transfer)
            throw TransportError.invalid(
                "libcurl took no more transfers: \(String(cString: curl_multi_strerror(code))).")
        }
    }

    /// One that watches a descriptor of its own, which libcurl knows nothing of.
    func add(guest: Guest) { transfers[guest.id] = guest }

    subscript(id: Int) -> Guest? { transfers[id] }

    /// Takes the handle away from curl; it is freed when the caller lets go of the result.
    @discardableResult
    func remove(_ id: Int) -> Guest? {
        guard let guest = transfers[id] else { return nil }
        guest.leaving(self)
        guard let transfer = guest as? Transfer else {
            transfers[id] = nil
            return guest
        }
        enteredAt = Self.now()
        curl_multi_remove_handle(multi, transfer.easy.raw)
        enteredAt = 0
        forget(transfer)
        return transfer
    }

    func cancel(_ id: Int) { remove(id)?.fail(CancellationError()) }

    private func forget(_ transfer: Transfer) {
        transfers[transfer.id] = nil
        byHandle[transfer.easy.raw] = nil
    }

    // MARK: Descriptors and time

    private func curlWants(_ descriptor: Int32, _ what: Int32) {
        let events: UInt32 =
            switch what {
            case Int32(CURL_POLL_IN): loop_readable()
            case Int32(CURL_POLL_OUT): loop_writable()
            case Int32(CURL_POLL_INOUT): loop_readable() | loop_writable()
            default: 0
            }
        change(descriptor) { $0.curl = events }
    }

    /// curl has let go of a logged-in connection's descriptor by then, so it is ours to watch.
    func watch(_ descriptor: Int32, for id: Int, reading: Bool, writing: Bool) {
        change(descriptor) { watch in
            watch.line = (reading ? loop_readable() : 0) | (writing ? loop_writable() : 0)
            watch.owner = id
        }
    }

    private func change(_ descriptor: Int32, _ body: (inout Watch) -> Void) {
        var watch = watches[descriptor] ?? Watch()
        let before = watch.curl | watch.line
        body(&watch)
        let after = watch.curl | watch.line
        watches[descriptor] = after == 0 ? nil : watch
        if before != after { _ = loop_watch(epoll, descriptor, after) }
    }

    private func curlWantsCall(in milliseconds: Int) {
        curlDeadline = milliseconds < 0 ? nil : Self.now() + Int64(milliseconds)
    }

    func schedule(_ id: Int, at deadline: Int64) { timers.add(id, at: deadline) }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
