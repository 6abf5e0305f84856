%% Tells Meerkat about messages on their way to users of this host, so that it can push (POST /v1/events). Together with
%% mod_delegation this replaces mod_push. How to install it: contrib/README.md. Needs no header file to be compiled.
-module(mod_meerkat_events).
-behaviour(gen_mod).
-behaviour(gen_server).

-export([start/2, stop/1, reload/3, depends/2, mod_opt_type/1, mod_options/1, mod_doc/0]).
-export([on_message/1, on_pending/1, on_send/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% Meerkat takes 256 events in one request, and 1 MiB; stanzas of clients have at most 256 KiB.
-define(EVENTS_MAX, 256).
-define(BYTES_MAX, 524288).
-define(WAITING_MAX, 10000).
-define(REQUESTS_MAX, 4).
-define(RETRY_MS, 5000).
-define(REQUEST_MS, 60000).

start(Host, Opts) -> gen_mod:start_child(?MODULE, Host, Opts).
stop(Host) -> gen_mod:stop_child(?MODULE, Host).
reload(Host, NewOpts, _OldOpts) -> gen_server:cast(proc(Host), {reload, NewOpts}).
depends(_Host, _Opts) -> [].
mod_opt_type(url) -> econf:binary();
mod_opt_type(token) -> econf:binary().
mod_options(_Host) -> [token, {url, <<"http://127.0.0.1:5290/v1/events">>}].
mod_doc() -> #{}.

%% Whatever was blocked or filtered (50) never comes here.
on_message(Packet) ->
    case is_message(Packet) of
        true ->
            To = xmpp:get_to(Packet),
            Event = event(Packet, jid:remove_resource(To)),
            tell(To, Event#{userStatus => status(To)});
        false -> ok
    end,
    Packet.

%% Given to a session, and not acknowledged: its phone may have lost the connection long ago (XEP-0198).
on_pending(#{mgmt_queue := Queue, jid := To} = State) ->
    lists:foreach(fun({_, _, Packet}) -> unacknowledged(To, Packet) end, p1_queue:to_list(Queue)),
    State;
on_pending(State) -> State.

on_send(#{mgmt_state := pending, jid := To} = State, Packet, _Result) ->
    unacknowledged(To, Packet),
    State;
on_send(State, _Packet, _Result) -> State.

unacknowledged(To, Packet) ->
    case is_message(Packet) of
        true -> tell(To, (event(Packet, To))#{kind => unacknowledged});
        false -> ok
    end.

is_message(Packet) -> element(1, Packet) =:= message andalso xmpp:get_type(Packet) =/= error.

%% The archive's id comes only into later copies of a message: its own is in all of them.
event(Packet, To) ->
    Event = #{stanza => fxml:element_to_binary(xmpp:encode(Packet)), to => jid:encode(To)},
    case xmpp:get_id(Packet) of
        <<>> -> Event;
        Id -> Event#{id => Id}
    end.

%% Whether one of the user's sessions gets it (RFC 6121 8.5.2).
status(To) ->
    {User, Server, _} = jid:tolower(To),
    Sessions = ejabberd_sm:get_user_present_resources(User, Server),
    case [ok || {Priority, _} <- Sessions, Priority >= 0] of
        [] -> offline;
        _ -> online
    end.

tell(To, Event) ->
    {_, Host, _} = jid:tolower(To),
    gen_server:cast(proc(Host), {tell, jiffy:encode(Event)}).

proc(Host) -> gen_mod:get_module_proc(Host, ?MODULE).

%% One process for each host: keeps what waits, and has at most REQUESTS_MAX requests under way.
init([Host, Opts]) ->
    ejabberd_hooks:add(sm_receive_packet, Host, ?MODULE, on_message, 90),
    ejabberd_hooks:add(c2s_session_pending, Host, ?MODULE, on_pending, 50),
    ejabberd_hooks:add(c2s_handle_send, Host, ?MODULE, on_send, 50),
    process_flag(trap_exit, true), % requests end by exit; and terminate is called
    {ok, #{host => Host, opts => Opts, waiting => queue:new(), under_way => #{}, pausing => false, lost => 0}}.

terminate(_Reason, #{host := Host}) ->
    ejabberd_hooks:delete(sm_receive_packet, Host, ?MODULE, on_message, 90),
    ejabberd_hooks:delete(c2s_session_pending, Host, ?MODULE, on_pending, 50),
    ejabberd_hooks:delete(c2s_handle_send, Host, ?MODULE, on_send, 50).

handle_call(_Request, _From, State) -> {reply, unknown, State}.

handle_cast({reload, Opts}, State) -> {noreply, State#{opts := Opts}};
handle_cast({tell, Event}, #{waiting := Waiting, lost := Lost} = State) ->
    case queue:len(Waiting) >= ?WAITING_MAX of
        true when Lost rem 1000 =:= 0 ->
            error_logger:error_msg("Meerkat takes no events: ~b are lost so far", [Lost + 1]),
            {noreply, State#{lost := Lost + 1}};
        true -> {noreply, State#{lost := Lost + 1}};
        false -> {noreply, send(State#{waiting := queue:in(Event, Waiting)})}
    end.

handle_info(again, State) -> {noreply, send(State#{pausing := false})};
handle_info({'EXIT', Pid, Reason}, #{under_way := UnderWay} = State) ->
    case maps:take(Pid, UnderWay) of
        {Events, Left} -> {noreply, send(ended(Reason, Events, State#{under_way := Left}))};
        error -> {stop, Reason, State}
    end;
handle_info(_Other, State) -> {noreply, State}.

ended({answered, 200}, _Events, State) -> State;
ended({answered, Code}, Events, State) when Code < 500, Code =/= 408, Code =/= 429 ->
    error_logger:error_msg("Meerkat refuses ~b events for good: ~b", [length(Events), Code]),
    State;
ended(Reason, Events, #{waiting := Waiting, pausing := Pausing} = State) ->
    %% Nobody was told: they go back in front. Events carry ids, so that Meerkat knows one that comes twice.
    error_logger:warning_msg("Meerkat has not taken ~b events (~0p), again soon", [length(Events), Reason]),
    Pausing orelse erlang:send_after(?RETRY_MS, self(), again),
    State#{waiting := queue:join(queue:from_list(Events), Waiting), pausing := true}.

send(#{pausing := true} = State) -> State;
send(#{waiting := Waiting, under_way := UnderWay, opts := Opts} = State) ->
    case queue:is_empty(Waiting) orelse map_size(UnderWay) >= ?REQUESTS_MAX of
        true -> State;
        false ->
            {Events, Rest} = batch(Waiting, [], 0),
            Pid = spawn_link(fun() -> exit(post(Opts, Events)) end),
            send(State#{waiting := Rest, under_way := UnderWay#{Pid => Events}})
    end.

batch(Waiting, Events, Bytes) ->
    case queue:out(Waiting) of
        {{value, Event}, Rest} when Events =:= []; length(Events) < ?EVENTS_MAX, Bytes < ?BYTES_MAX ->
            batch(Rest, [Event | Events], Bytes + iolist_size(Event));
        _ -> {lists:reverse(Events), Waiting}
    end.

post(Opts, Events) ->
    Url = binary_to_list(gen_mod:get_opt(url, Opts)),
    Token = binary_to_list(gen_mod:get_opt(token, Opts)),
    Body = iolist_to_binary([$[, lists:join($,, Events), $]]),
    Request = {Url, [{"authorization", "Bearer " ++ Token}], "application/json", Body},
    case httpc:request(post, Request, [{timeout, ?REQUEST_MS}], [{full_result, false}]) of
        {ok, {Code, _}} -> {answered, Code};
        {error, Reason} -> {failed, Reason}
    end.
